// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_state.hpp>

#include <cstdint>

// What two ends agree on with their SYNs.
namespace uk::net {

/// The shift with which windows up to `window` octets can be told (RFC 7323 section 2.3: at most 14).
constexpr std::uint8_t shift_for(std::uint32_t window) {
    std::uint8_t shift = 0;
    while (shift < 14 && window >> shift > 65535) ++shift;
    return shift;
}

/// The options of our SYN: all that we can do, or of our answer to the peer's SYN: what the peer can do too.
template <tcp_features F>
constexpr void offer(const tcb& c, std::uint8_t own_shift, tcp_options& o) {
    const bool first = c.state == tcp_state::syn_sent;
    if constexpr (F.window_scale) {
        if (first || c.scaled) o.shift = own_shift;
    }
    if constexpr (F.sack) o.sack_permitted = first || c.sack;
    if constexpr (F.timestamps) o.stamped = first || c.stamped;
}

/// After the peer's SYN: what both ends can do. A simultaneous opening leads here too.
template <tcp_features F>
constexpr void agree(tcb& c, std::uint8_t own_shift, const tcp_options& theirs) {
    if constexpr (F.window_scale) {
        if (theirs.shift != tcp_options::no_shift) {
            c.scaled = true;
            c.own_shift = own_shift;
            c.peer_shift = theirs.shift < 14 ? theirs.shift : 14;
        }
    }
    if constexpr (F.sack) c.sack = theirs.sack_permitted;
    if constexpr (F.timestamps) {
        if (theirs.stamped) {
            c.stamped = true;
            // Each segment has the option, and the peer's MSS does not reckon with it (RFC 6691 section 2).
            c.mss = static_cast<std::uint16_t>(c.mss - tcp_stamp_octets);
        }
    }
}

/// The flags of our SYN for ECN (RFC 3168 section 6.1.1): both to ask, one to agree.
constexpr std::uint8_t ecn_flags(const tcb& c) {
    if (c.state == tcp_state::syn_sent) return tcp_flag::ece | tcp_flag::cwr;
    return c.ecn ? tcp_flag::ece : 0;
}

/// Whether the peer's SYN means that both ends do ECN.
constexpr bool agrees_on_ecn(const tcp_segment& s) {
    const unsigned said = s.flags & (tcp_flag::ece | tcp_flag::cwr);
    return said == (s.has(tcp_flag::ack) ? unsigned{tcp_flag::ece} : unsigned{tcp_flag::ece | tcp_flag::cwr});
}

}  // namespace uk::net
