// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_wire.hpp>
#include <uk/time.hpp>

#include <cstdint>

namespace uk::net {

/// The timestamps of one connection (RFC 7323 sections 3 to 5). Our clock counts units of 2^20 ns (1.05 ms) from a
/// start that is secret and the same for the same ends (section 7.1), so that a new connection continues the old one's.
struct tcp_stamps {
    std::uint32_t offset = 0;
    std::uint32_t recent = 0;     ///< TS.Recent
    std::uint32_t recent_at = 0;  ///< on our clock
    seq last_ack{};               ///< Last.ACK.sent
    bool known = false;           ///< something was received

    /// Section 5.5: 24 days without a segment, and the peer's clock may have gone round.
    static constexpr std::uint32_t stale = 24U * 24 * 3'600 * 1'000;

    constexpr std::uint32_t at(instant now) const { return static_cast<std::uint32_t>(now.ns >> 20) + offset; }

    /// PAWS, section 5.3 R1: older than what has been received; never asked of a RST.
    constexpr bool too_old(std::uint32_t stamp, std::uint32_t clock) const {
        return known && static_cast<std::int32_t>(stamp - recent) < 0 && clock - recent_at < stale;
    }

    /// Section 4.3 (2): of a segment that was acceptable and begins where the last acknowledgment points, or before.
    constexpr void take(const tcp_segment& s, std::uint32_t clock) {
        if (s.sequence > last_ack && known) return;
        if (known && static_cast<std::int32_t>(s.options.stamp - recent) < 0) return;
        recent = s.options.stamp;
        recent_at = clock;
        known = true;
    }
};

}  // namespace uk::net
