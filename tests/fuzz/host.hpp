// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "frame.hpp"

#include "../unit/fakes.hpp"

#include <uk/packet.hpp>
#include <uk/packets.hpp>
#include <uk/part.hpp>
#include <uk/port.hpp>
#include <uk/stack.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace fuzz {

/// A network card whose other end is the target. Like a real one it keeps what it sends until it has left, and checks
/// that nobody has written to it meanwhile.
struct card {
    using needs = uk::ports<uk::port::packets>;
    using provides = uk::ports<uk::port::frame>;

    template <class Stack>
    struct in {
        explicit in(Stack& s) : os(s) {}

        uk::packet receive() {
            if (arrived.empty()) return {};
            uk::packet p = os[uk::port::packets].store().take(2);
            if (!p) {
                arrived.pop_front();
                return {};
            }
            uk::copy(p.push_back(arrived.front().size()), arrived.front());
            arrived.pop_front();
            return p;
        }
        bool send(uk::outgoing&& out) {
            if (jammed || sending.size() == 32) return false;
            octets whole;
            append(whole, out.head.contents());
            append(whole, out.body);
            sent.push_back(std::move(whole));
            sending.push_back({std::move(out), sent.back()});
            return true;
        }
        uk::mac address() const { return our_mac; }
        static constexpr std::size_t mtu() { return 1500; }
        bool link_came_up() { return std::exchange(came_up, false); }

        /// What was sent has left.
        void settle() {
            for (const on_its_way& s : sending) {
                octets now;
                append(now, s.what.head.contents());
                append(now, s.what.body);
                require(now == s.was, "a frame being sent stays as it is");
            }
            sending.clear();
        }

        struct on_its_way {
            uk::outgoing what;
            octets was;
        };
        Stack& os;
        std::deque<octets> arrived;
        std::deque<octets> sent;
        std::vector<on_its_way> sending;
        bool jammed = false;
        bool came_up = false;
    };
};

/// Drives a stack with that card on virtual time, which goes exactly as far as it is told. `Peer` is told of all that
/// the stack sends.
template <class Stack>
struct host : Stack {
    auto& link() { return (*this)[uk::port::frame]; }
    auto& time() { return (*this)[uk::port::clock].time; }
    uk::packet_store& store() { return (*this)[uk::port::packets].store(); }

    /// One pass of the loop; the answer: whether there was anything to do.
    bool turn() {
        this->scheduler().set_now(time());
        bool busy = false;
        this->each([&](auto& object) {
            if constexpr (requires { object.poll(); }) busy |= object.poll();
        });
        busy |= this->scheduler().run(time());
        this->each_reversed([](auto& object) {
            if constexpr (requires { object.flush(); }) object.flush();
        });
        link().settle();
        return busy;
    }

    /// Passes of the loop until there is nothing to do; `heard(frame, parts)` is told of what was sent, and may put
    /// answers into `link().arrived`.
    template <class Heard>
    void settle(Heard heard) {
        for (unsigned turns = 0;; ++turns) {
            require(turns < 2'000, "the stack comes to rest");
            const bool busy = turn();
            const bool said = !link().sent.empty();
            for (; !link().sent.empty(); link().sent.pop_front()) {
                ++frames_sent;
                heard(link().sent.front(), inspect(link().sent.front()));
            }
            if (!busy && !said && link().arrived.empty()) return;
        }
    }

    /// Lets time pass, from one timer to the next.
    template <class Heard>
    void pass(uk::duration d, Heard heard) {
        const uk::instant end = time() + d;
        settle(heard);
        for (unsigned steps = 0; time() < end; ++steps) {
            require(steps < 200'000, "timers let time pass");
            const uk::instant next = this->scheduler().timers.next();
            time() = next > time() && next < end ? next : end;
            settle(heard);
        }
    }

    std::uint64_t frames_sent = 0;
};

/// The peer's answer to an ARP request for it or the router; empty where it is none.
inline octets arp_answer(uk::bytes frame) {
    net::arp_packet p;
    if (frame.size() < 14 || uk::load_be<std::uint16_t>(frame.data() + 12) != 0x0806) return {};
    if (!net::parse_arp(frame.subspan(14), p) || p.operation != net::arp_operation::request) return {};
    if (p.target != peer_ip && p.target != router_ip) return {};
    octets payload(net::arp_packet::size);
    emit(net::arp_packet{net::arp_operation::reply, peer_mac, p.target, our_mac, p.sender}, payload.data());
    return ethernet(0x0806, payload);
}

}  // namespace fuzz
