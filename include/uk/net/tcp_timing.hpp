// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_wire.hpp>
#include <uk/time.hpp>

#include <cstdint>

namespace uk::net {

/// Time inside TCP: units of 2^10 ns (about a microsecond), modulo 2^32 (73 minutes), so that a connection stays small.
using tcp_ticks = std::uint32_t;

constexpr tcp_ticks ticks_at(instant t) { return static_cast<tcp_ticks>(t.ns >> 10); }
constexpr tcp_ticks ticks_of_ms(std::uint32_t ms) {
    return static_cast<tcp_ticks>((std::uint64_t{ms} * 1'000'000) >> 10);
}
constexpr duration duration_of(tcp_ticks t) { return duration(static_cast<std::int64_t>(std::uint64_t{t} << 10)); }

/// When to send again (RFC 6298).
struct tcp_rtt {
    /// Section 2.4 asks for a least value of 1 s and 2.5 allows a greatest of 60 s or more. Less than 1 s is what
    /// clients expect today. 200 ms above the smoothed time is above the delay of anybody's delayed acknowledgments,
    /// also where round trips are so long and even that the variance says nothing.
    static constexpr tcp_ticks least = ticks_of_ms(200);
    static constexpr tcp_ticks most = ticks_of_ms(60'000);
    static constexpr tcp_ticks initial = ticks_of_ms(1'000);
    /// Section 5.7: after a SYN that was sent twice, as long as nothing is measured.
    static constexpr tcp_ticks after_lost_syn = ticks_of_ms(3'000);

    tcp_ticks smoothed = 0;  ///< SRTT; 0 while nothing is measured
    tcp_ticks variance = 0;  ///< RTTVAR
    tcp_ticks base = initial;
    tcp_ticks sent_at = 0;
    seq timed;  ///< the acknowledgment that ends the measurement
    bool timing = false;
    std::uint8_t repeats = 0;  ///< timeouts since the last progress

    /// Measures one segment at a time.
    constexpr void begin(seq end, tcp_ticks now) {
        if (timing) return;
        timing = true;
        timed = end;
        sent_at = now;
    }

    /// Something that may be being timed is sent again: its acknowledgment would say nothing (Karn, section 3).
    constexpr void spoil() { timing = false; }

    /// Something was acknowledged; true when that ended a measurement.
    constexpr bool progress(seq una, tcp_ticks now) {
        repeats = 0;
        if (!timing || una < timed) return false;
        timing = false;
        sample(now - sent_at);
        return true;
    }

    constexpr void sample(tcp_ticks r) {
        if (r > most) r = most;
        if (r == 0) r = 1;
        if (smoothed == 0) {
            smoothed = r;
            variance = r / 2;
        } else {
            const tcp_ticks off = smoothed > r ? smoothed - r : r - smoothed;
            variance = variance - variance / 4 + off / 4;
            smoothed = smoothed - smoothed / 8 + r / 8;
        }
        base = smoothed + (variance * 4 > least ? variance * 4 : least);
        if (base > most) base = most;
    }

    /// The time to wait now, doubled with each repeat (section 5.5).
    constexpr tcp_ticks timeout() const {
        const unsigned shift = repeats < 9 ? repeats : 9U;
        const std::uint64_t t = std::uint64_t{base} << shift;
        return t < most ? static_cast<tcp_ticks>(t) : most;
    }
};

}  // namespace uk::net
