// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/ethernet_wire.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace uk::net {

enum class arp_operation : std::uint16_t { request = 1, reply = 2 };

/// An ARP packet for IPv4 over Ethernet (RFC 826).
struct arp_packet {
    static constexpr std::size_t size = 28;

    arp_operation operation = arp_operation::request;
    mac sender_link;
    ip4_address sender;
    mac target_link;
    ip4_address target;
};

/// Takes the packet at the start of `payload` (a frame's padding may follow) over into `p`; false unless it is a
/// well-formed request or reply for IPv4 over Ethernet whose sender could be one host. The sender of a probe has no
/// address (RFC 5227 section 2.1.1).
constexpr bool parse_arp(bytes payload, arp_packet& p) {
    if (payload.size() < arp_packet::size) return false;
    const std::byte* at = payload.data();
    // Hardware type 1, protocol type 0x0800, address lengths 6 and 4, in one look.
    if (load_be<std::uint32_t>(at) != 0x00010800 || load_be<std::uint16_t>(at + 4) != 0x0604) return false;
    const auto operation = load_be<std::uint16_t>(at + 6);
    const mac sender_link = load_mac(at + 8);
    const ip4_address sender{load_be<std::uint32_t>(at + 14)};
    if (operation - 1U > 1 || sender_link.is_group() || number_of(sender_link) == 0) return false;
    if (!sender.is_unicast() && (operation != 1 || !sender.is_unspecified())) return false;
    p = {static_cast<arp_operation>(operation), sender_link, sender, load_mac(at + 18),
         {load_be<std::uint32_t>(at + 24)}};
    return true;
}

/// The same as a value.
constexpr std::optional<arp_packet> parse_arp(bytes payload) {
    arp_packet p;
    return parse_arp(payload, p) ? std::optional(p) : std::nullopt;
}

/// Writes the packet's 28 octets to `at`.
constexpr void emit(const arp_packet& p, std::byte* at) {
    store_be(at, std::uint32_t{0x00010800});
    store_be(at + 4, std::uint16_t{0x0604});
    store_be(at + 6, static_cast<std::uint16_t>(p.operation));
    store_mac(at + 8, p.sender_link);
    store_be(at + 14, p.sender.value);
    store_mac(at + 18, p.target_link);
    store_be(at + 24, p.target.value);
}

}  // namespace uk::net
