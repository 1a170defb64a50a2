// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_address.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/net/tcp_cubic.hpp>
#include <uk/stack.hpp>
#include <uk/target_sim.hpp>

#include <cstddef>

namespace stage {

/// A host like any other, with some limits of TCP and some number of packets.
template <uk::net::tcp_limits Limits, std::size_t Packets, class Congestion = uk::net::new_reno>
struct host
    : uk::sim::seated,
      uk::stack<uk::sim::target<host<Limits, Packets, Congestion>>,
                uk::loop<uk::loop_limits{.frame_memory = 512 * 1024}>,
                uk::packets<uk::packet_limits{.buffers = Packets}>,
                uk::net::ip4<uk::sim::address<host<Limits, Packets, Congestion>>>, uk::net::tcp<Limits, Congestion>> {
    explicit host(uk::sim::seat& s) : seated(s) {}
    static constexpr std::size_t packets = Packets;
};

// The stacks that scenarios choose from: as few as differ in what matters, because each takes its time to compile.
using ordinary = host<uk::net::tcp_limits{}, 64>;
// The least that still is TCP, and little room.
using small = host<uk::net::tcp_limits{.connections = 12,
                                       .backlog = 6,
                                       .receive_window = 2'920,
                                       .receive_buffers = 3,
                                       .send_buffers = 2,
                                       .reserve = 4,
                                       .time_wait_ms = 2'000,
                                       .features = uk::net::tcp_minimal},
                   24>;
// All there is, and a scaled window.
using large = host<uk::net::tcp_limits{.connections = 128,
                                       .backlog = 64,
                                       .receive_window = 300'000,
                                       .receive_buffers = 256,
                                       .send_buffers = 256,
                                       .segments = 1'024,
                                       .features = uk::net::tcp_everything},
                   1'024, uk::net::cubic>;
// SACK without timestamps; its window is no multiple of a segment, and it acknowledges as late as it may.
using odd = host<uk::net::tcp_limits{.receive_window = 5'001,
                                     .receive_buffers = 4,
                                     .send_buffers = 16,
                                     .ack_delay_ms = 400,
                                     .segments = 16,
                                     .features = {.window_scale = false, .timestamps = false, .cookies = false}},
                 48>;
// Timestamps without SACK.
using stamped = host<uk::net::tcp_limits{.receive_window = 65'535,
                                         .receive_buffers = 48,
                                         .send_buffers = 48,
                                         .features = {.window_scale = false, .sack = false, .urgent = false}},
                     160, uk::net::cubic>;

inline constexpr unsigned kinds = 5;

/// Calls `use.template operator()<Host>()` for stack number `kind`.
template <class Use>
auto with_kind(unsigned kind, Use use) {
    switch (kind) {
        case 0: return use.template operator()<ordinary>();
        case 1: return use.template operator()<small>();
        case 2: return use.template operator()<large>();
        case 3: return use.template operator()<odd>();
        default: return use.template operator()<stamped>();
    }
}

}  // namespace stage
