// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/loop.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/packets.hpp>
#include <uk/print.hpp>
#include <uk/stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

/// The stack under test: the parts that ship, over a clock that is moved by hand and a wire that ends in a queue.
namespace drill {

struct console : uk::printer<console> {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::console>;
    void write(std::string_view) {}
};

/// Stands still until somebody sets it. A halt only leaves a mark, by which one turn of the loop is known to be over.
struct clock {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock, uk::port::idle>;
    uk::instant now() const { return time; }
    void idle(uk::instant) { halted = true; }

    uk::instant time{1'000'000'000};
    bool halted = false;
};

/// The same numbers in every run.
struct entropy {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::entropy>;
    bool fill(uk::writable_bytes out) {
        for (std::byte& b : out) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            b = static_cast<std::byte>(state >> 56);
        }
        return true;
    }
    std::uint64_t state = 0x756b;
};

/// A link without addresses: every neighbour is at its other end, and what crosses it are bare IP packets.
struct wire {
    using needs = uk::ports<uk::port::packets, uk::port::clock>;
    using provides = uk::ports<uk::port::link, uk::port::neighbour>;

    struct sent {
        uk::instant at;
        std::vector<std::byte> octets;
    };

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {}

        bool send(uk::mac, std::uint16_t, uk::outgoing out) { return keep(out); }
        bool send_to(uk::ip4_address, uk::outgoing out) { return keep(out); }
        uk::mac address() const { return {}; }
        void set_address(uk::ip4_address) {}
        std::size_t mtu() const { return most; }

        bool poll() {
            const bool any = !arrived_.empty();
            while (!arrived_.empty()) {
                const std::vector<std::byte> octets = std::move(arrived_.front());
                arrived_.pop_front();
                deliver(octets);
            }
            return any;
        }

        /// A packet for the stack: seen in its next turn. False when no buffer could hold it.
        bool arrive(uk::bytes octets) {
            if (octets.size() > os_[uk::port::packets].store().capacity() - uk::packet_headroom) return false;
            arrived_.emplace_back(octets.begin(), octets.end());
            return true;
        }

        std::size_t most = 1500;
        std::deque<sent> departed;
        std::size_t dropped = 0;

    private:
        bool keep(const uk::outgoing& out) {
            sent s{os_[uk::port::clock].now(), {}};
            const auto head = out.head.contents();
            s.octets.assign(head.begin(), head.end());
            s.octets.insert(s.octets.end(), out.body.begin(), out.body.end());
            departed.push_back(std::move(s));
            return true;
        }

        void deliver(uk::bytes octets) {
            uk::packet p = os_[uk::port::packets].store().take();
            if (!p) {
                ++dropped;
                return;
            }
            uk::copy(p.push_back(octets.size()), octets);
            os_.each([&](auto& object) {
                if constexpr (requires { object.ethertype; }) {
                    if (object.ethertype == 0x0800) object.receive_frame(std::move(p), uk::net::ethernet_header{});
                }
            });
        }

        Stack& os_;
        std::deque<std::vector<std::byte>> arrived_;
    };
};

/// Sizes at which no script meets a limit that a host of today would not have.
inline constexpr uk::net::tcp_limits limits{.connections = 256,
                                            .listeners = 32,
                                            .backlog = 64,
                                            .receive_window = 512 * 1024,
                                            .receive_buffers = 512,
                                            .send_buffers = 512,
                                            .reserve = 64,
                                            .segments = 4096};
inline constexpr std::size_t buffers = 4096;
using congestion = uk::net::new_reno;
using slot = uk::net::tcp_slot<limits.features, congestion>;

struct machine : uk::stack<console, clock, entropy, uk::loop<uk::loop_limits{.frame_memory = 256 * 1024}>,
                           uk::packets<uk::packet_limits{.buffers = buffers}>, wire, uk::net::ipv4<>, uk::net::icmp<>,
                           uk::net::tcp<limits, congestion>> {
    auto& net() { return (*this)[uk::port::stream]; }
    auto& line() { return (*this)[uk::port::link]; }
    drill::clock& time() { return (*this)[uk::port::clock]; }
    std::size_t used_buffers() { return buffers - (*this)[uk::port::packets].store().available(); }

    /// Everything that can happen without time passing.
    void settle() {
        time().halted = false;
        (*this)[uk::port::tasks].run_until([&] { return time().halted; });
    }
};

}  // namespace drill
