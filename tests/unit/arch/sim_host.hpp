// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_wire.hpp>
#include <uk/loop.hpp>
#include <uk/packets.hpp>
#include <uk/stack.hpp>
#include <uk/target_sim.hpp>

#include <cstddef>
#include <initializer_list>
#include <vector>

/// The smallest machine of a simulation: no network layers, the test is its application.
namespace fakes {

struct sim_host : uk::sim::seated,
                  uk::stack<uk::sim::target<sim_host>, uk::packets<uk::packet_limits{.buffers = 4}>,
                            uk::uses<uk::port::clock, uk::port::entropy, uk::port::frame, uk::port::tasks>> {
    explicit sim_host(uk::sim::seat& s) : seated(s) {}

    auto& card() { return (*this)[uk::port::frame]; }
    uk::packet_store& store() { return (*this)[uk::port::packets].store(); }
    bool send(const std::vector<std::byte>& octets) {
        uk::packet p = store().take();
        if (!p) return false;
        uk::copy(p.push_back(octets.size()), octets);
        return card().send({.head = std::move(p)});
    }
};

inline uk::sim::frame frame_of(std::initializer_list<int> octets) {
    uk::sim::frame f;
    for (int o : octets) f.push_back(static_cast<std::byte>(o));
    return f;
}

/// Remembers what a world reports.
struct sim_log : uk::sim::observer {
    explicit sim_log(uk::sim::world& w) {
        saw = [](uk::sim::observer& o, const uk::sim::passage& p) {
            auto& self = static_cast<sim_log&>(o);
            (p.sent ? self.sent : self.arrived).push_back(p.at);
            self.octets.assign(p.octets.begin(), p.octets.end());
        };
        w.watch(*this);
    }
    std::vector<uk::instant> sent;
    std::vector<uk::instant> arrived;
    uk::sim::frame octets;  ///< of the latest
};

}  // namespace fakes
