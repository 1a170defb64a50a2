// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_congestion.hpp>

#include <cstdint>

namespace uk::net {

namespace detail {

/// The largest number whose cube is not above `n`.
constexpr std::uint32_t cube_root(std::uint64_t n) {
    std::uint64_t root = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 20; bit != 0; bit >>= 1) {
        const std::uint64_t more = root | bit;
        if (more * more * more <= n) root = more;
    }
    return static_cast<std::uint32_t>(root);
}

}  // namespace detail

/// CUBIC (RFC 9438) as a congestion policy: after a loss the window grows by the time since then, not by round trips,
/// so that a long fat path is filled as fast as a short one. Windows are octets, times milliseconds. Not
/// obeyed: HyStart++ (RFC 9406) in slow start, undoing spurious reductions (section 4.9).
struct cubic {
    std::uint32_t window = 0;                     ///< cwnd
    std::uint32_t threshold = ~std::uint32_t{0};  ///< ssthresh
    std::uint32_t most = 0;                       ///< W_max
    std::uint32_t before = 0;                     ///< cwnd_prior
    std::uint32_t fair = 0;                       ///< W_est: what Reno would have
    std::uint32_t bend = 0;                       ///< K, milliseconds from `began`
    std::uint32_t counted = 0;                    ///< octets acknowledged that did not move `fair` yet
    tcp_ticks began = 0;                          ///< the congestion avoidance epoch
    bool avoiding = false;

    constexpr void start(std::uint32_t mss) {
        new_reno n;
        n.start(mss);
        window = n.window;
    }

    constexpr void acknowledged(std::uint32_t octets, const tcp_path& p) {
        if (p.flight < window / 2) {
            avoiding = false;  // section 4.2: time in which the application was the limit does not count
            return;
        }
        if (window < threshold) {
            window += slow_start_step(octets, p.mss);
            return;
        }
        if (!avoiding) begin(p);
        const std::uint32_t goal = target(p);
        grow_fair(octets, p.mss);
        if (goal > window) {
            const auto step = static_cast<std::uint32_t>(std::uint64_t{goal - window} * octets / window);
            window += step;
        }
        if (window < fair) window = fair;  // section 4.3
    }

    /// Sections 4.6 and 4.7.
    constexpr void lost(const tcp_path& p) {
        before = window;
        most = window < most ? share(window, 85) : window;  // fast convergence: (1 + beta) / 2
        const std::uint32_t less = share(p.flight < window ? p.flight : window, 70);
        threshold = less > 2 * p.mss ? less : 2 * p.mss;
        window = threshold;
        avoiding = false;
    }

    constexpr void recovered(const tcp_path& p) {
        const std::uint32_t careful = (p.flight > p.mss ? p.flight : p.mss) + p.mss;
        window = careful < threshold ? careful : threshold;
    }

    /// Section 4.8.
    constexpr void timed_out(const tcp_path& p, bool again) {
        if (!again) lost(p);
        window = p.mss;
    }

private:
    static constexpr std::uint32_t share(std::uint32_t n, std::uint32_t percent) {
        return static_cast<std::uint32_t>(std::uint64_t{n} * percent / 100);
    }
    static constexpr std::uint32_t milliseconds(tcp_ticks t) { return t / 977; }  // of 1,024 ns

    // An epoch of congestion avoidance, from the window as it is now (section 4.2): K is the cube root of
    // (W_max - cwnd) / C, with C = 0.4 segments per second cubed.
    constexpr void begin(const tcp_path& p) {
        avoiding = true;
        began = p.now;
        counted = 0;
        fair = window;
        if (most < window) most = window;
        bend = detail::cube_root(std::uint64_t{most - window} * 2'500'000'000 / p.mss);
    }

    // W_cubic(t + RTT), from the window up to half as much again.
    constexpr std::uint32_t target(const tcp_path& p) const {
        const std::uint32_t t = milliseconds(p.now - began) + milliseconds(p.round_trip);
        const std::uint32_t away = t < bend ? bend - t : t - bend;
        const std::uint64_t d = away < 100'000 ? away : 100'000;
        const std::uint64_t change = d * d * d / 1'000'000 * p.mss / 2'500;
        const std::uint64_t ceiling = window + window / 2;
        if (t < bend) {
            const std::uint64_t goal = change < most ? most - change : 0;
            return goal > window ? static_cast<std::uint32_t>(goal) : window;
        }
        const std::uint64_t goal = most + change;
        return static_cast<std::uint32_t>(goal < ceiling ? goal : ceiling);
    }

    // Section 4.3: Reno's window grows by alpha segments in a window's worth of acknowledgments: 3 (1 - beta) / (1 +
    // beta) = 9/17 until it reaches what there was before the loss, 1 from there.
    constexpr void grow_fair(std::uint32_t octets, std::uint32_t mss) {
        counted += octets;
        const std::uint32_t worth = fair < before ? static_cast<std::uint32_t>(std::uint64_t{window} * 17 / 9) : window;
        if (counted < worth) return;
        counted -= worth;
        fair += mss;
    }
};

}  // namespace uk::net
