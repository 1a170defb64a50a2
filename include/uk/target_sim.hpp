// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_card.hpp>
#include <uk/arch/sim_clock.hpp>
#include <uk/arch/sim_console.hpp>
#include <uk/arch/sim_entropy.hpp>
#include <uk/loop.hpp>
#include <uk/packets.hpp>
#include <uk/part.hpp>

namespace uk::sim {

/// A machine in a simulated world, whose clock, randomness and network card are those of its seat:
/// `struct host : uk::sim::seated, uk::stack<uk::sim::target<host>, ...> { explicit host(uk::sim::seat& s) : seated(s)
/// {} };`. Any number of them live in one process and know nothing of each other.
template <class Host>
using target = machine<"sim", console<Host>, clock<Host>, entropy<Host>, card<Host>, loop<>, packets<>>;

}  // namespace uk::sim
