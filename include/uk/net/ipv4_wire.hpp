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

    static constexpr std::uint16_t dont_fragment = 0x4000;
    static constexpr std::uint16_t more_fragments = 0x2000;

    std::uint16_t total_length = 0;
    std::uint16_t id = 0;
    std::uint16_t fragment = 0;  ///< the flags above, and the offset in units of 8 octets
    std::uint8_t header_length = size;
    std::uint8_t ttl = 64;
    std::uint8_t protocol = 0;
    std::uint8_t traffic_class = 0;  ///< DS field and ECN (RFC 2474, RFC 3168); only written
    ip4_address source;
    ip4_address destination;

    constexpr std::size_t fragment_offset() const { return (fragment & 0x1fffU) * std::size_t{8}; }
    constexpr bool is_fragment() const { return (fragment & 0x3fff) != 0; }
};

/// A datagram as it is handed to the layer of its protocol, beside the packet that holds its payload: its header, and
struct ipv4_datagram : ipv4_header {
    /// Came to more than one host, by its link or its network address: it must not be answered with an error.
    bool group = false;
    /// The whole datagram with its header, for quotes; valid as long as its packet, and unchanged by then.
    bytes original;
};

enum class ipv4_fault : std::uint8_t {
    none,
    truncated,      ///< shorter than its header
    version,        ///< not version 4
    header_length,  ///< less than 5 words, or beyond the packet
    total_length,   ///< less than the header, or beyond the packet
    checksum,       ///< of the header
    options,        ///< an option of impossible length
    source_route,   ///< asks to be routed by us: refused (RFC 7126 section 4.3)
};

/// What keeps the options (everything in the header behind octet 20) from being skipped, if anything; `at` then is
/// where among them.
constexpr ipv4_fault check_ipv4_options(bytes options, std::size_t& at) {
    for (at = 0; at < options.size();) {
        const auto type = std::to_integer<unsigned>(options[at]);
        if (type == 0) break;  // end of list
        if (type == 1) {       // no operation
            ++at;
            continue;
        }
        if (type == 131 || type == 137) return ipv4_fault::source_route;
        if (options.size() - at < 2) return ipv4_fault::options;
        const auto length = std::to_integer<std::size_t>(options[at + 1]);
        if (length < 2 || length > options.size() - at) return ipv4_fault::options;
        at += length;
    }
    return ipv4_fault::none;
}
constexpr ipv4_fault check_ipv4_options(bytes options) {
    std::size_t at;
    return check_ipv4_options(options, at);
}

namespace detail {

/// Takes the fields of a header whose first 20 octets are there over into `h`.
constexpr void load_ipv4(const std::byte* at, ipv4_header& h) {
    h.total_length = load_be<std::uint16_t>(at + 2);
    h.id = load_be<std::uint16_t>(at + 4);
    h.fragment = load_be<std::uint16_t>(at + 6);
    h.header_length = static_cast<std::uint8_t>((std::to_integer<unsigned>(at[0]) & 0xf) * 4);
    h.ttl = std::to_integer<std::uint8_t>(at[8]);
    h.protocol = std::to_integer<std::uint8_t>(at[9]);
    h.source.value = load_be<std::uint32_t>(at + 12);
    h.destination.value = load_be<std::uint32_t>(at + 16);
}

}  // namespace detail

/// Takes the header of the datagram at the start of `packet` (a frame's padding may follow) over into `h`, wholly
/// checked, or says what is wrong with it. Without a fault header_length <= total_length <= packet.size().
constexpr ipv4_fault parse_ipv4(bytes packet, ipv4_header& h) {
    if (packet.size() < ipv4_header::size) return ipv4_fault::truncated;
    if (std::to_integer<unsigned>(packet[0]) >> 4 != 4) return ipv4_fault::version;
    detail::load_ipv4(packet.data(), h);
    if (h.header_length < ipv4_header::size || h.header_length > packet.size()) return ipv4_fault::header_length;
    if (h.total_length < h.header_length || h.total_length > packet.size()) return ipv4_fault::total_length;
    const bytes header = packet.first(h.header_length);
    if (checksum_of(header) != 0) return ipv4_fault::checksum;
    return check_ipv4_options(header.subspan(ipv4_header::size));
}

/// The same as a value.
constexpr result<ipv4_header, ipv4_fault> parse_ipv4(bytes packet) {
    ipv4_header h;
    const ipv4_fault f = parse_ipv4(packet, h);
    if (f != ipv4_fault::none) return fail(f);
    return h;
}

/// Writes the header's 20 octets to `at`, with its checksum. `header_length` is taken as 20.
constexpr void emit(const ipv4_header& h, std::byte* at) {
    at[0] = std::byte{0x45};
    at[1] = std::byte{h.traffic_class};
    store_be(at + 2, h.total_length);
    store_be(at + 4, h.id);
    store_be(at + 6, h.fragment);
    at[8] = std::byte{h.ttl};
    at[9] = std::byte{h.protocol};
    store_be(at + 10, std::uint16_t{0});
    store_be(at + 12, h.source.value);
    store_be(at + 16, h.destination.value);
    store_be(at + 10, checksum_of({at, ipv4_header::size}));
}

}  // namespace uk::net
