// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_wire.hpp>

#include <cstdint>

namespace uk::net {

/// What a congestion policy may look at: octets of a full segment, and octets sent but not acknowledged before the
/// event.
struct tcp_path {
    std::uint32_t mss;
    std::uint32_t flight;
};

/// A congestion policy decides how many octets may be under way. `tcp<limits, Policy>` keeps one per connection.
/// NewReno: RFC 5681 (slow start, congestion avoidance) with the byte counting of its section 3.1.
struct new_reno {
    std::uint32_t window = 0;                  ///< cwnd
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
            window += octets < p.mss ? octets : p.mss;
            return;
        }
        counted += octets;
        if (counted < window) return;
        counted -= window;
        window += p.mss;
    }

    /// A segment was lost while others arrived.
    constexpr void lost(const tcp_path& p) {
        threshold = p.flight / 2 > 2 * p.mss ? p.flight / 2 : 2 * p.mss;
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

/// Loss recovery without SACK (RFC 5681 section 3.2, RFC 6582), with limited transmit (RFC 3042).
struct tcp_recovery {
    seq point;                ///< `recover`: what was sent before it belongs to the last loss
    std::uint32_t extra = 0;  ///< octets that have left the network without being acknowledged
    std::uint8_t duplicates = 0;
    bool active = false;

    /// A duplicate acknowledgment; true when the first segment is to be sent again.
    template <class Congestion>
    constexpr bool duplicate(Congestion& c, const tcp_path& p, seq una, seq max) {
        if (active) {
            extra += p.mss;
            return false;
        }
        if (duplicates < 255) ++duplicates;
        if (duplicates < 3 || una < point) {
            if (duplicates < 3) extra = duplicates * p.mss;
            return false;
        }
        active = true;
        point = max;
        c.lost(p);
        extra = 3 * p.mss;
        return true;
    }

    /// `octets` newly acknowledged up to `una`; true when the segment there is missing too. `p.flight` is what was
    /// under way before.
    template <class Congestion>
    constexpr bool progress(Congestion& c, const tcp_path& p, seq una, std::uint32_t octets) {
        if (!active) {
            duplicates = 0;
            extra = 0;
            if (una > point) point = una;
            c.acknowledged(octets, p);
            return false;
        }
        if (una >= point) {
            active = false;
            duplicates = 0;
            extra = 0;
            c.recovered({p.mss, p.flight > octets ? p.flight - octets : 0});
            return false;
        }
        extra = (extra > octets ? extra - octets : 0) + (octets >= p.mss ? p.mss : 0);
        return true;
    }

    /// A timeout: no fast retransmit for what was sent before it.
    constexpr void timed_out(seq max) {
        active = false;
        duplicates = 0;
        extra = 0;
        point = max;
    }
};

}  // namespace uk::net
