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

/// Octets of every message's header.
inline constexpr std::size_t icmp_header_size = 8;

/// What the network says about a datagram that we sent. Handed to objects with `void icmp_error(const icmp_error&)`.
/// Anyone can send one: check `quoted` against what was really sent (RFC 5927) before believing it.
struct icmp_error {
    icmp_type type = icmp_type::unreachable;  ///< unreachable, time_exceeded or parameter_problem
    std::uint8_t code = 0;
    std::uint8_t protocol = 0;  ///< of the datagram quoted
    /// With unreachable and fragmentation_needed: the next hop's (RFC 1191 section 4), at least 68; 0 when unknown.
    std::uint16_t mtu = 0;
    ip4_address from;         ///< who says it
    ip4_address source;       ///< of the datagram quoted
    ip4_address destination;  ///< of the datagram quoted
    bytes quoted;             ///< the first octets behind the quoted header, at least 8
};

/// The error in `message`, whose checksum has been checked, sent by `from`; nothing when it is not an error or not well
/// formed.
constexpr std::optional<icmp_error> parse_icmp_error(bytes message, ip4_address from) {
    // RFC 792: the quoted internet header and 64 bits of its data.
    if (message.size() < icmp_header_size + ipv4_header::size + 8) return {};
    icmp_error e;
    e.type = static_cast<icmp_type>(message[0]);
    e.code = std::to_integer<std::uint8_t>(message[1]);
    if (e.type != icmp_type::unreachable && e.type != icmp_type::time_exceeded &&
        e.type != icmp_type::parameter_problem) {
        return {};
    }
    // The quote is cut short and routers have changed it on its way: of its lengths only the header's is relied on.
    const bytes quote = message.subspan(icmp_header_size);
    const ipv4_header h = detail::load_ipv4(quote.data());
    if (std::to_integer<unsigned>(quote[0]) >> 4 != 4 || h.header_length < ipv4_header::size ||
        quote.size() < h.header_length + std::size_t{8} || h.fragment_offset != 0) {
        return {};
    }
    e.protocol = h.protocol;
    e.from = from;
    e.source = h.source;
    e.destination = h.destination;
    e.quoted = quote.subspan(h.header_length);
    const auto too_big = static_cast<std::uint8_t>(icmp_unreachable::fragmentation_needed);
    if (e.type == icmp_type::unreachable && e.code == too_big) {
        e.mtu = load_be<std::uint16_t>(message.data() + 6);
        if (e.mtu != 0 && e.mtu < 68) return {};  // RFC 791 section 3.2: every link carries 68 octets
    }
    return e;
}

/// Makes the echo request `message` (RFC 792), whose checksum is right, its own reply.
constexpr void turn_echo(writable_bytes message) {
    message[0] = static_cast<std::byte>(icmp_type::echo_reply);
    // RFC 1624 section 3, equation 3, for a first word that goes from 0x0800 to 0.
    const auto old = static_cast<std::uint16_t>(~load_be<std::uint16_t>(message.data() + 2));
    const std::uint32_t sum = std::uint32_t{old} + 0xf7ff;
    store_be(message.data() + 2, static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16))));
}

/// Writes the header of destination unreachable in front of the quote that fills the rest of `message`.
constexpr void emit_unreachable(icmp_unreachable code, writable_bytes message) {
    message[0] = static_cast<std::byte>(icmp_type::unreachable);
    message[1] = static_cast<std::byte>(code);
    for (std::size_t i = 2; i < icmp_header_size; ++i) message[i] = std::byte{0};
    store_be(message.data() + 2, checksum().add(message).value());
}

}  // namespace uk::net
