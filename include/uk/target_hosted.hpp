// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/hosted_arguments.hpp>
#include <uk/arch/hosted_clock.hpp>
#include <uk/arch/hosted_console.hpp>
#include <uk/arch/hosted_entropy.hpp>
#include <uk/arch/hosted_tap.hpp>
#include <uk/loop.hpp>
#include <uk/packets.hpp>
#include <uk/part.hpp>

namespace uk::hosted {

/// A Linux process: stdout, the kernel's clock and randomness, its arguments, and a TAP interface as network card.
template <target_options>
using target_with = machine<"hosted", console, clock, entropy, arguments, tap, loop<>, packets<>>;
using target = target_with<{}>;

}  // namespace uk::hosted
