// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace uk {

/// A span of time, in nanoseconds, signed.
using duration = std::chrono::nanoseconds;

/// A point on the machine's monotone clock: nanoseconds since the clock part was constructed. Wraps after 584 years.
struct instant {
    std::uint64_t ns = 0;

    /// Later than any time the clock can show: "no deadline".
    static constexpr instant never() { return {~std::uint64_t{0}}; }

    friend constexpr auto operator<=>(instant, instant) = default;
    friend constexpr duration operator-(instant a, instant b) {
        return duration(static_cast<std::int64_t>(a.ns - b.ns));
    }

    /// Saturates at `never()`; a negative duration counts as none.
    friend constexpr instant operator+(instant a, duration d) {
        const auto step = d.count() < 0 ? 0 : static_cast<std::uint64_t>(d.count());
        return a.ns > never().ns - step ? never() : instant{a.ns + step};
    }
};

inline namespace literals {
using namespace std::chrono_literals;
}  // namespace literals

}  // namespace uk
