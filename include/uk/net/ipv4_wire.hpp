// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/checksum.hpp>
#include <uk/result.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::net {

/// Protocol numbers (IANA) of what lies on IPv4 here.
inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;

/// The header of an IPv4 datagram (RFC 791 section 3.1). Lengths and offsets are in octets.
struct ipv4_header {
    static constexpr std::size_t size = 20;  ///< without options

    std::uint16_t total_length = 0;
    std::uint16_t id = 0;
    std::uint16_t fragment_offset = 0;
    std::uint8_t header_length = size;
    std::uint8_t ttl = 64;
    std::uint8_t protocol = 0;
    bool dont_fragment = false;
    bool more_fragments = false;
    ip4_address source;
    ip4_address destination;

    constexpr bool is_fragment() const { return more_fragments || fragment_offset != 0; }
};

/// A datagram as it is handed to the layer of its protocol, beside the packet that holds its payload.
struct ipv4_datagram {
    ip4_address source;
    ip4_address destination;
    std::uint8_t protocol = 0;
    std::uint8_t ttl = 0;
    /// Came to more than one host, by its link or its network address: it must not be answered with an error.
    bool group = false;
    /// The whole datagram with its header, for quotes; valid as long as its packet, and unchanged by then.
    bytes original;
};

enum class ipv4_fault : std::uint8_t {
    truncated,      ///< shorter than its header
    version,        ///< not version 4
    header_length,  ///< less than 5 words, or beyond the packet
    total_length,   ///< less than the header, or beyond the packet
    checksum,       ///< of the header
    options,        ///< an option of impossible length
    source_route,   ///< asks to be routed by us: refused (RFC 7126 section 4.3)
};

/// What keeps the options (everything in the header behind octet 20) from being skipped, if anything.
constexpr result<void, ipv4_fault> check_ipv4_options(bytes options) {
    std::size_t at = 0;
    while (at < options.size()) {
        const auto type = std::to_integer<unsigned>(options[at]);
        if (type == 0) return {};  // end of list
        if (type == 1) {           // no operation
            ++at;
            continue;
        }
        if (type == 131 || type == 137) return fail(ipv4_fault::source_route);
        if (options.size() - at < 2) return fail(ipv4_fault::options);
        const auto length = std::to_integer<std::size_t>(options[at + 1]);
        if (length < 2 || length > options.size() - at) return fail(ipv4_fault::options);
        at += length;
    }
    return {};
}

namespace detail {

/// The fields of a header whose first 20 octets are there.
constexpr ipv4_header load_ipv4(const std::byte* at) {
    const auto flags = load_be<std::uint16_t>(at + 6);
    ipv4_header h;
    h.total_length = load_be<std::uint16_t>(at + 2);
    h.id = load_be<std::uint16_t>(at + 4);
    h.fragment_offset = static_cast<std::uint16_t>((flags & 0x1fff) * 8);
    h.header_length = static_cast<std::uint8_t>((std::to_integer<unsigned>(at[0]) & 0xf) * 4);
    h.ttl = std::to_integer<std::uint8_t>(at[8]);
    h.protocol = std::to_integer<std::uint8_t>(at[9]);
    h.dont_fragment = (flags & 0x4000) != 0;
    h.more_fragments = (flags & 0x2000) != 0;
    h.source.value = load_be<std::uint32_t>(at + 12);
    h.destination.value = load_be<std::uint32_t>(at + 16);
    return h;
}

}  // namespace detail

/// The header of the datagram at the start of `packet` (a frame's padding may follow), wholly checked, or what is wrong
/// with it. On success header_length <= total_length <= packet.size().
constexpr result<ipv4_header, ipv4_fault> parse_ipv4(bytes packet) {
    if (packet.size() < ipv4_header::size) return fail(ipv4_fault::truncated);
    if (std::to_integer<unsigned>(packet[0]) >> 4 != 4) return fail(ipv4_fault::version);
    const ipv4_header h = detail::load_ipv4(packet.data());
    if (h.header_length < ipv4_header::size || h.header_length > packet.size()) return fail(ipv4_fault::header_length);
    if (h.total_length < h.header_length || h.total_length > packet.size()) return fail(ipv4_fault::total_length);
    if (checksum().add(packet.first(h.header_length)).value() != 0) return fail(ipv4_fault::checksum);
    const auto options = check_ipv4_options(packet.subspan(ipv4_header::size, h.header_length - ipv4_header::size));
    if (!options) return fail(options.error());
    return h;
}

/// Writes the header's 20 octets to `at`, with its checksum. `header_length` is taken as 20.
constexpr void emit(const ipv4_header& h, std::byte* at) {
    at[0] = std::byte{0x45};
    at[1] = std::byte{0};
    store_be(at + 2, h.total_length);
    store_be(at + 4, h.id);
    store_be(at + 6, static_cast<std::uint16_t>((h.dont_fragment ? 0x4000U : 0U) | (h.more_fragments ? 0x2000U : 0U) |
                                                h.fragment_offset / 8U));
    at[8] = std::byte{h.ttl};
    at[9] = std::byte{h.protocol};
    store_be(at + 10, std::uint16_t{0});
    store_be(at + 12, h.source.value);
    store_be(at + 16, h.destination.value);
    store_be(at + 10, checksum().add({at, ipv4_header::size}).value());
}

}  // namespace uk::net
