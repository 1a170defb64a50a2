// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/checksum.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/offload.hpp>
#include <uk/packet.hpp>
#include <uk/result.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::net {

/// The header of a UDP datagram (RFC 768).
struct udp_header {
    static constexpr std::size_t size = 8;

    std::uint16_t from_port = 0;
    std::uint16_t to_port = 0;
    std::uint16_t length = 0;  ///< of header and payload
};

/// Where the checksum stands in a header.
inline constexpr std::size_t udp_checksum_offset = 6;

enum class udp_fault : std::uint8_t {
    none,
    truncated,  ///< shorter than its header
    length,     ///< less than the header, or beyond the datagram
    checksum,
    port,  ///< to port 0, which is nobody's (RFC 6335 section 6)
};

/// Takes the header of the UDP datagram that is the payload of an IPv4 datagram between these addresses over into `h`,
/// wholly checked, or says what is wrong with it; `vouched`: its checksum is not looked at. Without a fault 8 <= length
/// <= payload.size().
constexpr udp_fault parse_udp(bytes payload, ip4_address from, ip4_address to, udp_header& h, bool vouched = false) {
    if (payload.size() < udp_header::size) return udp_fault::truncated;
    const std::byte* at = payload.data();
    h = {load_be<std::uint16_t>(at), load_be<std::uint16_t>(at + 2), load_be<std::uint16_t>(at + 4)};
    if (h.length < udp_header::size || h.length > payload.size()) return udp_fault::length;
    // RFC 768: all zero means that the sender made none.
    if (!vouched && load_be<std::uint16_t>(at + udp_checksum_offset) != 0 &&
        pseudo_header(from, to, protocol_udp, h.length).add(payload.first(h.length)).value() != 0) {
        return udp_fault::checksum;
    }
    return h.to_port == 0 ? udp_fault::port : udp_fault::none;
}

/// The same as a value.
constexpr result<udp_header, udp_fault> parse_udp(bytes payload, ip4_address from, ip4_address to) {
    udp_header h;
    const udp_fault f = parse_udp(payload, from, to, h);
    if (f != udp_fault::none) return fail(f);
    return h;
}

namespace detail {

// With what stands in the checksum's place.
constexpr void emit_udp(std::uint16_t from_port, std::uint16_t to_port, std::size_t length, std::uint16_t sum,
                        std::byte* at) {
    store_be(at, from_port);
    store_be(at + 2, to_port);
    store_be(at + 4, static_cast<std::uint16_t>(length));
    store_be(at + udp_checksum_offset, sum);
}

}  // namespace detail

/// Writes the header into the first 8 octets of `head`, with the checksum over `head` and then `body`.
[[gnu::noinline]] constexpr void emit_udp(std::uint16_t from_port, std::uint16_t to_port, ip4_address from,
                                          ip4_address to, writable_bytes head, bytes body) {
    const std::size_t length = head.size() + body.size();
    detail::emit_udp(from_port, to_port, length, 0, head.data());
    const std::uint16_t sum = pseudo_header(from, to, protocol_udp, length).add(head).add(body).value();
    // RFC 768: a computed zero is sent as all ones.
    store_be(head.data() + udp_checksum_offset, sum == 0 ? std::uint16_t{0xffff} : sum);
}

/// Writes the header into the first 8 octets of `d`, and leaves its checksum to the card.
inline void leave_udp(std::uint16_t from_port, std::uint16_t to_port, ip4_address from, ip4_address to, outgoing& d) {
    detail::emit_udp(from_port, to_port, d.size(), 0, d.head.data());
    leave_sum(d, udp_checksum_offset, pseudo_header(from, to, protocol_udp, d.size()));
}

}  // namespace uk::net
