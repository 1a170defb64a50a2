// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/checksum.hpp>
#include <uk/net/ipv4_wire.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace uk::net {

/// Message types of RFC 792 that mean something to a host.
enum class icmp_type : std::uint8_t {
    echo_reply = 0,
    unreachable = 3,
    source_quench = 4,
    redirect = 5,
    echo = 8,
    time_exceeded = 11,
    parameter_problem = 12,
};

/// Codes of icmp_type::unreachable (RFC 792, RFC 1122 section 3.2.2.1).
enum class icmp_unreachable : std::uint8_t {
    network = 0,
    host = 1,
    protocol = 2,
    port = 3,
    fragmentation_needed = 4,
};

/// Code of icmp_type::time_exceeded for a datagram whose fragments did not all come.
inline constexpr std::uint8_t icmp_reassembly_time = 1;

/// Octets of every message's header.
inline constexpr std::size_t icmp_header_size = 8;

/// What the network says about a datagram that we sent. Handed to the object whose `ip_protocol` it had, if that has
/// `void receive_error(const icmp_error&)`. Anyone can send one: check `quoted` against what was really sent (RFC 5927)
/// before believing it.
struct icmp_error {
    icmp_type type = icmp_type::unreachable;  ///< unreachable, time_exceeded or parameter_problem
    std::uint8_t code = 0;
    std::uint8_t protocol = 0;  ///< of the datagram quoted
    /// With unreachable and fragmentation_needed: the next hop's (RFC 1191 section 4), at least 68; 0 when unknown.
    std::uint16_t mtu = 0;
    ip4_address from;         ///< who says it
    ip4_address source;       ///< of the datagram quoted
    ip4_address destination;  ///< of the datagram quoted
    bytes quoted;             ///< the first octets behind the quoted header, at least 8; valid during the call
};

/// True for the messages that are errors about a datagram, and not redirects.
constexpr bool is_icmp_error(icmp_type t) {
    return t == icmp_type::unreachable || t == icmp_type::time_exceeded || t == icmp_type::parameter_problem;
}

/// Takes the error in `message`, whose checksum and type have been checked, sent by `from`, over into `e`; false when
/// it is not well formed.
constexpr bool parse_icmp_error(bytes message, ip4_address from, icmp_error& e) {
    // RFC 792: the quoted internet header and 64 bits of its data.
    if (message.size() < icmp_header_size + ipv4_header::size + 8) return false;
    e.type = static_cast<icmp_type>(message[0]);
    e.code = std::to_integer<std::uint8_t>(message[1]);
    // The quote is cut short and routers have changed it on its way: of its lengths only the header's is relied on.
    const bytes quote = message.subspan(icmp_header_size);
    const std::byte* at = quote.data();
    const std::size_t length = std::to_integer<std::size_t>(at[0]) - 0x40;  // in words, of version 4
    const bool first = (load_be<std::uint16_t>(at + 6) & 0x1fff) == 0;
    if (length - 5 > 10 || quote.size() < length * 4 + 8 || !first) return false;
    e.protocol = std::to_integer<std::uint8_t>(at[9]);
    e.from = from;
    e.source = {load_be<std::uint32_t>(at + 12)};
    e.destination = {load_be<std::uint32_t>(at + 16)};
    e.quoted = quote.subspan(length * 4);
    e.mtu = 0;
    const auto too_big = static_cast<std::uint8_t>(icmp_unreachable::fragmentation_needed);
    if (e.type == icmp_type::unreachable && e.code == too_big) e.mtu = load_be<std::uint16_t>(message.data() + 6);
    return e.mtu - 1U >= 67;  // RFC 791 section 3.2: every link carries 68 octets
}

/// The same as a value; nothing when it is not an error.
constexpr std::optional<icmp_error> parse_icmp_error(bytes message, ip4_address from) {
    icmp_error e;
    if (message.empty() || !is_icmp_error(static_cast<icmp_type>(message[0]))) return {};
    return parse_icmp_error(message, from, e) ? std::optional(e) : std::nullopt;
}

/// Writes the header of an error, still without its checksum, to `at`. `pointer` is the octet that a parameter problem
/// is about, else 0.
constexpr void emit_icmp_error(icmp_type type, unsigned code, unsigned pointer, std::byte* at) {
    store_be(at, std::uint32_t{static_cast<unsigned>(type)} << 24 | code << 16);
    store_be(at + 4, pointer << 24);
}

/// Writes the checksum of `message` into it.
constexpr void seal_icmp(writable_bytes message) {
    store_be(message.data() + 2, std::uint16_t{0});
    store_be(message.data() + 2, checksum_of(message));
}

}  // namespace uk::net
