// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_congestion.hpp>
#include <uk/net/tcp_plan.hpp>
#include <uk/net/tcp_timing.hpp>

#include <cstdint>

namespace uk::net {

/// What a connection is waiting for by its timer, beyond what all have: see tcp_timer_use.
struct tcp_demand {
    tcp_ticks reorder = 0;  ///< until a segment that others have overtaken counts as lost; 0: none has been
    tcp_ticks tail = 0;     ///< until the last segment is probed for; 0: not at all
};

/// Loss recovery without SACK (RFC 5681 section 3.2, RFC 6582), with limited transmit (RFC 3042). After a timeout
/// everything is sent again: SND.NXT goes back.
struct tcp_go_back {
    seq point;                ///< `recover`: what was sent before it belongs to the last loss
    std::uint32_t extra = 0;  ///< octets that have left the network without being acknowledged
    std::uint8_t duplicates = 0;
    bool active = false;
    bool due = false;  ///< the segment at una is to be sent again

    /// A connection whose numbers start at `at`.
    constexpr void begin(seq at) { point = at; }

    /// A segment has acknowledged something new or come twice. `path` is as before it. True when a loss was noticed.
    template <class Congestion>
    constexpr bool on_ack(Congestion& c, const tcb& b, const tcp_reaction& a, const tcp_path& path) {
        if (a.advanced) {
            due |= progress(c, path, b.una, a.acked);
            return false;
        }
        if (!a.duplicate || !duplicate(c, path, b.una, b.max)) return false;
        due = true;
        return true;
    }

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
            tcp_path rest = p;
            rest.flight = p.flight > octets ? p.flight - octets : 0;
            c.recovered(rest);
            return false;
        }
        extra = (extra > octets ? extra - octets : 0) + (octets >= p.mss ? p.mss : 0);
        return true;
    }

    /// A timeout: no fast retransmit for what was sent before it.
    constexpr void timed_out(tcb& b) {
        active = false;
        due = false;
        duplicates = 0;
        extra = 0;
        point = b.max;
        b.nxt = b.una;
    }

    constexpr bool recovers() const { return active; }

    /// Octets that may be under way in all, as far as congestion goes.
    constexpr std::uint32_t allowed(const tcb&, std::uint32_t window) const { return window + extra; }
};

}  // namespace uk::net
