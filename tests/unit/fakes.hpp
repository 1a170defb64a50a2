// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/loop.hpp>
#include <uk/part.hpp>
#include <uk/print.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// The neighbours of a stack under test.
namespace fakes {

/// Remembers what was written.
struct console : uk::printer<console> {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::console>;
    void write(std::string_view text) { written += text; }
    std::string written;
};

/// Virtual time: `idle` jumps to the deadline at once, or by a second when there is none.
struct clock {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock, uk::port::idle>;
    uk::instant now() const { return time; }
    void idle(uk::instant until) {
        ++halts;
        if (until == uk::instant::never()) until = time + uk::duration(1'000'000'000);
        if (until > time) time = until;
    }
    uk::instant time{};
    unsigned halts = 0;
};

/// A repeatable sequence, not randomness.
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
    std::uint64_t state = 1;
};

/// What every stack under test needs.
using machine = uk::machine<"fake", console, clock, entropy, uk::loop<>>;

}  // namespace fakes
