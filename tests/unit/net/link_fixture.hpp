// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../fakes.hpp"

#include <uk/net/arp_wire.hpp>
#include <uk/net/ethernet_wire.hpp>
#include <uk/net/icmp_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/udp_wire.hpp>
#include <uk/packets.hpp>
#include <uk/stack.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

/// One end of an Ethernet link whose other end is the test.
namespace fakes {

using octets = std::vector<std::byte>;
using namespace uk::literals;

inline octets operator+(octets a, const octets& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
inline octets octets_of(std::string_view s) {
    const auto b = uk::as_bytes(s);
    return {b.begin(), b.end()};
}
inline octets octets_of(uk::bytes b) { return {b.begin(), b.end()}; }
inline octets raw(std::initializer_list<int> values) {
    octets result;
    for (int v : values) result.push_back(static_cast<std::byte>(v));
    return result;
}

inline constexpr uk::mac our_mac = "02:00:00:00:00:01"_mac;
inline constexpr uk::mac peer_mac = "02:00:00:00:00:99"_mac;
inline constexpr uk::ip4_address our_ip = "10.0.0.2"_ip4;
inline constexpr uk::ip4_address peer_ip = "10.0.0.9"_ip4;
inline constexpr uk::ip4_address router_ip = "10.0.0.1"_ip4;
inline constexpr uk::cidr our_net = "10.0.0.2/24"_cidr;

/// A network card: frames put into `to_stack` are received, what is sent ends in `from_stack`.
struct card {
    using needs = uk::ports<uk::port::packets>;
    using provides = uk::ports<uk::port::frame>;
    template <class Stack>
    struct in {
        explicit in(Stack& s) : os(s) {}
        uk::packet receive() {
            if (to_stack.empty()) return {};
            uk::packet p = os[uk::port::packets].store().take(14);
            if (!p) return p;
            uk::copy(p.push_back(to_stack.front().size()), to_stack.front());
            to_stack.pop_front();
            return p;
        }
        bool send(uk::outgoing frame) {
            if (full) return false;
            from_stack.push_back(octets_of(frame.head.contents()) + octets_of(frame.body));
            return true;
        }
        uk::mac address() const { return our_mac; }
        static constexpr std::size_t mtu() { return 1500; }
        bool link_came_up() { return std::exchange(came_up, false); }

        Stack& os;
        std::deque<octets> to_stack;
        std::deque<octets> from_stack;
        bool full = false;
        bool came_up = false;
    };
};

inline octets ethernet_frame(uk::mac to, uk::mac from, std::uint16_t type, const octets& payload) {
    octets frame(uk::net::ethernet_header::size);
    emit(uk::net::ethernet_header{to, from, type}, frame.data());
    return frame + payload;
}
inline octets arp_frame(uk::mac to, const uk::net::arp_packet& p) {
    octets payload(uk::net::arp_packet::size);
    emit(p, payload.data());
    return ethernet_frame(to, p.sender_link, 0x0806, payload);
}
/// The header's length and checksum are made to fit the payload.
inline octets ip_datagram(uk::net::ipv4_header h, const octets& payload) {
    h.total_length = static_cast<std::uint16_t>(uk::net::ipv4_header::size + payload.size());
    octets header(uk::net::ipv4_header::size);
    emit(h, header.data());
    return header + payload;
}
inline octets ip_frame(uk::ip4_address from, uk::ip4_address to, std::uint8_t protocol, const octets& payload,
                       uk::mac link_to = our_mac) {
    uk::net::ipv4_header h;
    h.protocol = protocol;
    h.source = from;
    h.destination = to;
    return ethernet_frame(link_to, peer_mac, 0x0800, ip_datagram(h, payload));
}
inline octets udp_payload(uk::ip4_address from, std::uint16_t from_port, uk::ip4_address to, std::uint16_t to_port,
                          const octets& payload) {
    octets u = octets(uk::net::udp_header::size) + payload;
    uk::net::emit_udp(from_port, to_port, from, to, u, {});
    return u;
}
inline octets echo_request(const octets& payload) {
    octets m = raw({8, 0, 0, 0, 0x12, 0x34, 0, 7}) + payload;
    uk::store_be(m.data() + 2, uk::net::checksum().add(m).value());
    return m;
}

/// A frame that the stack has sent, taken apart; `payload` is that of the innermost header.
struct sent_frame {
    uk::net::ethernet_header link;
    uk::net::ipv4_header ip;
    octets payload;
};

/// Drives a stack with a card, a clock and the test's own loop, whose time goes exactly as far as it is told.
template <class Stack>
struct link_end : Stack {
    auto& card() { return (*this)[uk::port::frame]; }
    auto& time() { return (*this)[uk::port::clock].time; }

    void turn() {
        this->scheduler().set_now(time());
        this->each([](auto& object) {
            if constexpr (requires { object.poll(); }) object.poll();
        });
        while (this->scheduler().run(time())) {}
    }
    void run_for(uk::duration d) {
        const uk::instant end = time() + d;
        turn();
        while (time() < end) {
            const uk::instant next = this->scheduler().timers.next();
            time() = next > time() && next < end ? next : end;
            turn();
        }
    }
    void inject(octets frame) {
        card().to_stack.push_back(std::move(frame));
        turn();
    }
    bool silent() { return card().from_stack.empty(); }
    octets take() {
        if (silent()) return {};
        octets frame = card().from_stack.front();
        card().from_stack.pop_front();
        return frame;
    }
    sent_frame take_ip() {
        const octets frame = take();
        sent_frame f;
        if (const auto link = uk::net::parse_ethernet(frame)) f.link = *link;
        if (frame.size() < uk::net::ethernet_header::size) return f;
        f.payload.assign(frame.begin() + uk::net::ethernet_header::size, frame.end());
        if (f.link.ethertype != 0x0800) return f;
        if (const auto ip = uk::net::parse_ipv4(f.payload)) {
            f.ip = *ip;
            f.payload.erase(f.payload.begin(), f.payload.begin() + ip->header_length);
        }
        return f;
    }
    /// The peer asks for our address, so that we know it.
    void meet_peer(uk::ip4_address peer = peer_ip) {
        inject(arp_frame(uk::mac::broadcast(), {uk::net::arp_operation::request, peer_mac, peer, {}, our_ip}));
        card().from_stack.clear();
    }
    uk::packet_store& store() { return (*this)[uk::port::packets].store(); }
    uk::packet packet_of(const octets& content) {
        uk::packet p = store().take();
        uk::copy(p.push_back(content.size()), content);
        return p;
    }
};

using link_parts = uk::bundle<machine, card, uk::packets<>,
                              uk::uses<uk::port::tasks, uk::port::clock, uk::port::packets, uk::port::frame>>;

}  // namespace fakes
