// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "input.hpp"

#include <uk/address.hpp>
#include <uk/net/arp_wire.hpp>
#include <uk/net/checksum.hpp>
#include <uk/net/ethernet_wire.hpp>
#include <uk/net/ipv4_wire.hpp>

#include <cstddef>
#include <cstdint>

/// Frames from a peer to the stack under test, and what is looked at in frames that it sends.
namespace fuzz {

using namespace uk::literals;
namespace net = uk::net;

inline constexpr uk::mac our_mac = "02:00:00:00:00:01"_mac;
inline constexpr uk::mac peer_mac = "02:00:00:00:00:99"_mac;
inline constexpr uk::ip4_address our_ip = "10.0.0.2"_ip4;
inline constexpr uk::ip4_address peer_ip = "10.0.0.9"_ip4;
inline constexpr uk::ip4_address router_ip = "10.0.0.1"_ip4;
inline constexpr uk::cidr our_net = "10.0.0.2/24"_cidr;
inline constexpr uk::ip4_address our_group = "239.1.2.3"_ip4;

inline octets ethernet(std::uint16_t type, uk::bytes payload, uk::mac to = our_mac) {
    octets frame(net::ethernet_header::size);
    net::emit_ethernet(to, peer_mac, type, frame.data());
    append(frame, payload);
    return frame;
}

/// How an IPv4 datagram around a payload differs from the plain one.
struct datagram_shape {
    uk::ip4_address from = peer_ip;
    uk::ip4_address to = our_ip;
    std::uint16_t id = 7;
    std::uint16_t fragment = 0;
    std::uint8_t ttl = 64;
    std::uint8_t traffic_class = 0;
};

inline uk::mac link_of(uk::ip4_address to) {
    if (to.is_multicast()) return net::group_link(to);
    return to == our_net.broadcast() || to.value == 0xffff'ffff ? uk::mac::broadcast() : our_mac;
}

inline octets ipv4(std::uint8_t protocol, uk::bytes payload, const datagram_shape& shape = {}) {
    net::ipv4_header h;
    h.total_length = static_cast<std::uint16_t>(net::ipv4_header::size + payload.size());
    h.id = shape.id;
    h.fragment = shape.fragment;
    h.ttl = shape.ttl;
    h.protocol = protocol;
    h.traffic_class = shape.traffic_class;
    h.source = shape.from;
    h.destination = shape.to;
    octets datagram(net::ipv4_header::size);
    emit(h, datagram.data());
    append(datagram, payload);
    return ethernet(0x0800, datagram, link_of(shape.to));
}

/// Fills in the checksum that belongs at `at`.
inline void seal(uk::writable_bytes all, std::size_t at, net::checksum before = {}) {
    if (all.size() < at + 2) return;
    uk::store_be(all.data() + at, std::uint16_t{0});
    uk::store_be(all.data() + at, before.add(all).value());
}

/// Makes the checksums of a payload right, as far as its protocol is known and it has one.
inline void seal_payload(unsigned protocol, uk::ip4_address from, uk::ip4_address to, uk::writable_bytes p) {
    if (protocol == net::protocol_icmp || protocol == 2) seal(p, 2);
    if (protocol == net::protocol_tcp) seal(p, 16, net::pseudo_header(from, to, 6, p.size()));
    if (protocol != net::protocol_udp || p.size() < 8) return;
    const std::size_t length = uk::load_be<std::uint16_t>(p.data() + 4);
    if (length < 8 || length > p.size()) return;
    seal(p.first(length), 6, net::pseudo_header(from, to, 17, length));
    if (uk::load_be<std::uint16_t>(p.data() + 6) == 0) uk::store_be(p.data() + 6, std::uint16_t{0xffff});
}

/// The same for a whole frame: the internet header's first, then the payload's where nothing else is wrong with it.
inline void seal_frame(uk::writable_bytes frame) {
    if (frame.size() < 34 || uk::load_be<std::uint16_t>(frame.data() + 12) != 0x0800) return;
    const uk::writable_bytes datagram = frame.subspan(14);
    const std::size_t header = (std::to_integer<std::size_t>(datagram[0]) & 0xf) * 4;
    if (header < 20 || header > datagram.size()) return;
    seal(datagram.first(header), 10);
    net::ipv4_header h;
    net::detail::load_ipv4(datagram.data(), h);
    if (h.total_length < header || h.total_length > datagram.size() || h.is_fragment()) return;
    seal_payload(h.protocol, h.source, h.destination, datagram.subspan(header, h.total_length - header));
}

/// What a frame that the stack sent holds.
struct sent_frame {
    net::ethernet_header link;
    net::ipv4_header ip;
    uk::bytes payload;  ///< of the internet header; empty where it is none

    bool is(std::uint8_t protocol) const { return link.ethertype == 0x0800 && ip.protocol == protocol; }
};

/// Takes apart what the stack sent: whatever it was given, what it says itself is well-formed.
inline sent_frame inspect(uk::bytes frame) {
    require(frame.size() >= net::ethernet_header::size && frame.size() <= 1514, "a sent frame's size");
    sent_frame s;
    net::load_ethernet(frame.data(), s.link);
    require(s.link.source == our_mac, "a sent frame's source");
    const uk::bytes payload = frame.subspan(net::ethernet_header::size);
    if (s.link.ethertype == 0x0806) {
        net::arp_packet p;
        require(net::parse_arp(payload, p) && p.sender_link == our_mac, "sent ARP is right");
        return s;
    }
    require(s.link.ethertype == 0x0800, "a sent frame's type");
    require(net::parse_ipv4(payload, s.ip) == net::ipv4_fault::none, "a sent datagram's header");
    require(s.ip.total_length == payload.size(), "a sent datagram's length");
    require(s.ip.source.is_unspecified() || s.ip.source.is_unicast(), "a sent datagram's source");
    require(!s.ip.destination.is_unspecified(), "a sent datagram's destination");
    s.payload = payload.subspan(s.ip.header_length);
    if (s.ip.protocol == net::protocol_icmp || s.ip.protocol == 2) {
        require(net::checksum_of(s.payload) == 0, "a sent message's checksum");
    } else {
        const auto pseudo = net::pseudo_header(s.ip.source, s.ip.destination, s.ip.protocol, s.payload.size());
        require(net::checksum(pseudo).add(s.payload).value() == 0, "a sent segment's checksum");
    }
    return s;
}

}  // namespace fuzz
