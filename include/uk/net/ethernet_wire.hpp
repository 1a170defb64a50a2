// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace uk::net {

/// The address in the 6 octets at `at`.
constexpr mac load_mac(const std::byte* at) {
    mac a;
    if consteval {
        for (std::size_t i = 0; i < 6; ++i) a.octets[i] = std::to_integer<std::uint8_t>(at[i]);
    } else {
        std::memcpy(a.octets.data(), at, 6);
    }
    return a;
}
constexpr void store_mac(std::byte* at, const mac& a) {
    if consteval {
        for (std::size_t i = 0; i < 6; ++i) at[i] = std::byte{a.octets[i]};
    } else {
        std::memcpy(at, a.octets.data(), 6);
    }
}

/// The address as a number, for comparing: zero for no address.
constexpr std::uint64_t number_of(const mac& a) {
    if consteval {
        std::uint64_t n = 0;
        for (std::size_t i = 6; i-- > 0;) n = n << 8 | a.octets[i];
        return n;
    }
    std::uint32_t low;
    std::uint16_t high;
    std::memcpy(&low, a.octets.data(), 4);
    std::memcpy(&high, a.octets.data() + 4, 2);
    return std::uint64_t{high} << 32 | low;
}

/// The link's address of an IPv4 group (RFC 1112 section 6.4): its low 23 bits.
constexpr mac group_link(ip4_address group) {
    const auto octet = [&](unsigned shift, unsigned mask) {
        return static_cast<std::uint8_t>(group.value >> shift & mask);
    };
    return {{0x01, 0x00, 0x5e, octet(16, 0x7f), octet(8, 0xff), octet(0, 0xff)}};
}

/// The header of an Ethernet II frame (IEEE 802.3 clause 3.2, type interpretation).
struct ethernet_header {
    static constexpr std::size_t size = 14;

    mac destination;
    mac source;
    std::uint16_t ethertype = 0;

    /// False where the field is a length: an 802.3 frame with LLC, which no layer here speaks.
    constexpr bool has_type() const { return ethertype >= 0x600; }
};

/// Takes the header in the 14 octets at `at` over into `h`.
constexpr void load_ethernet(const std::byte* at, ethernet_header& h) {
    h.destination = load_mac(at);
    h.source = load_mac(at + 6);
    h.ethertype = load_be<std::uint16_t>(at + 12);
}

/// The header of `frame`; nothing when the frame is shorter than it.
constexpr std::optional<ethernet_header> parse_ethernet(bytes frame) {
    if (frame.size() < ethernet_header::size) return {};
    ethernet_header h;
    load_ethernet(frame.data(), h);
    return h;
}

/// Writes the header's 14 octets to `at`.
constexpr void emit_ethernet(const mac& to, const mac& from, std::uint16_t type, std::byte* at) {
    store_mac(at, to);
    store_mac(at + 6, from);
    store_be(at + 12, type);
}
constexpr void emit(const ethernet_header& h, std::byte* at) {
    emit_ethernet(h.destination, h.source, h.ethertype, at);
}

}  // namespace uk::net
