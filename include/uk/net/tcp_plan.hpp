// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_state.hpp>

#include <cstdint>

namespace uk::net {

/// What to send at `tcb::nxt`.
struct tcp_plan {
    bool send = false;
    bool syn = false;
    bool fin = false;
    bool push = false;         ///< nothing more is queued
    std::uint32_t length = 0;  ///< octets of text
    std::uint32_t unsent = 0;  ///< octets queued from nxt on
};

namespace detail {

constexpr std::uint32_t least_of(std::uint32_t a, std::uint32_t b) { return a < b ? a : b; }

constexpr bool may_send_text(tcp_state s) {
    return s == tcp_state::established || s == tcp_state::close_wait || s == tcp_state::fin_wait_1 ||
           s == tcp_state::closing || s == tcp_state::last_ack;
}

/// The segment at nxt with as much text as `usable` allows, whether or not it is wise to send it.
constexpr tcp_plan cut(const tcb& c, std::uint32_t queued, std::uint32_t usable) {
    tcp_plan p;
    const std::uint32_t offset = c.nxt - c.text_base();
    p.unsent = offset < queued ? queued - offset : 0;
    p.length = least_of(least_of(p.unsent, usable), c.mss);
    p.push = p.length != 0 && p.length == p.unsent;
    p.fin = c.shut && p.length == p.unsent && offset <= queued;
    return p;
}

}  // namespace detail

/// Whether to send now, and what, with `queued` octets from una on, `allowed` of which may be under way as far as the
/// path's congestion goes. Nagle's algorithm and the sender's avoidance of silly windows (RFC 9293 sections 3.7.4 and
/// 3.8.6.2.1); `no_delay` turns the first off (MUST-17).
constexpr tcp_plan next_segment(const tcb& c, std::uint32_t queued, std::uint32_t allowed, bool no_delay) {
    tcp_plan p;
    if (c.state == tcp_state::syn_sent || c.state == tcp_state::syn_received) {
        p.send = p.syn = c.nxt == c.una;
        return p;
    }
    if (!detail::may_send_text(c.state)) return p;
    const std::uint32_t window = detail::least_of(c.window, allowed);
    const std::uint32_t flight = c.flight();
    p = detail::cut(c, queued, window > flight ? window - flight : 0);
    const bool again = c.nxt < c.max;
    const bool idle = flight == 0;
    // Our FIN needs no room in the peer's window: nothing would be gained by holding it back.
    p.send = p.fin || (p.length != 0 && (p.length == c.mss || again || (p.push && (idle || no_delay)) ||
                                         (idle && p.length >= c.window_max / 2)));
    return p;
}

/// The segment that asks a peer with a closed or small window for a sign (RFC 9293 section 3.8.6.1): at least one
/// octet.
constexpr tcp_plan probe_segment(const tcb& c, std::uint32_t queued) {
    const std::uint32_t flight = c.flight();
    const std::uint32_t usable = c.window > flight ? c.window - flight : 0;
    tcp_plan p = detail::cut(c, queued, usable != 0 ? usable : 1);
    p.send = p.length != 0 || p.fin;
    return p;
}

}  // namespace uk::net
