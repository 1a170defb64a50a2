// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_timing.hpp>
#include <uk/net/tcp_wire.hpp>

#include <cstdint>

namespace uk::net {

/// What a congestion policy may look at.
struct tcp_path {
    std::uint32_t mss;     ///< octets of a full segment
    std::uint32_t flight;  ///< octets sent but not acknowledged, before the event
    tcp_ticks now = 0;
    tcp_ticks round_trip = 0;  ///< smoothed; 0 while none was measured
};

/// How far `octets` that were acknowledged at once open the window in slow start: peers acknowledge many segments with
/// one, and nothing here spreads what is sent over time (RFC 9406 section 4.2, L = 8).
constexpr std::uint32_t slow_start_step(std::uint32_t octets, std::uint32_t mss) {
    return octets < 8 * mss ? octets : 8 * mss;
}

/// A congestion policy decides how many octets may be under way. `tcp<limits, Policy>` keeps one per connection.
/// NewReno: RFC 5681 (slow start, congestion avoidance) with the counting of octets of its section 3.1.
struct new_reno {
    std::uint32_t window = 0;                     ///< cwnd
    std::uint32_t threshold = ~std::uint32_t{0};  ///< ssthresh
    std::uint32_t counted = 0;

    /// RFC 6928: ten segments, not more than 14,600 octets.
    constexpr void start(std::uint32_t mss) {
        const std::uint32_t floor = 2 * mss > 14'600 ? 2 * mss : 14'600;
        window = 10 * mss < floor ? 10 * mss : floor;
    }

    /// `octets` were acknowledged outside of recovery.
    constexpr void acknowledged(std::uint32_t octets, const tcp_path& p) {
        if (p.flight < window / 2) return;  // the application, not the path, was the limit
        if (window < threshold) {
            window += slow_start_step(octets, p.mss);
            return;
        }
        counted += octets;
        if (counted < window) return;
        counted -= window;
        window += p.mss;
    }

    /// A segment was lost while others arrived.
    constexpr void lost(const tcp_path& p) {
        // What was sent for others that arrived meanwhile does not count (RFC 5681 section 3.2 step 2).
        const std::uint32_t half = (p.flight < window ? p.flight : window) / 2;
        threshold = half > 2 * p.mss ? half : 2 * p.mss;
        window = threshold;
        counted = 0;
    }

    /// All that was lost by then has been repaired (RFC 6582 section 3.2 step 3).
    constexpr void recovered(const tcp_path& p) {
        const std::uint32_t careful = (p.flight > p.mss ? p.flight : p.mss) + p.mss;
        window = careful < threshold ? careful : threshold;
    }

    /// Nothing arrives any more. `again`: for the same segment as before (RFC 5681 section 3.1).
    constexpr void timed_out(const tcp_path& p, bool again) {
        if (!again) lost(p);
        window = p.mss;
        counted = 0;
    }
};

}  // namespace uk::net
