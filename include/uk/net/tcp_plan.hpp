// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_state.hpp>

#include <cstdint>

namespace uk::net {

/// A segment to be sent.
struct tcp_plan {
    seq from{};
    std::uint32_t length = 0;  ///< octets of text
    std::uint32_t unsent = 0;  ///< octets queued from `from` on
    std::uint8_t flags = 0;    ///< of tcp_flag; PSH when nothing more is queued
    bool send = false;
    bool probe = false;     ///< of a closed window: not a segment to be remembered
    bool question = false;  ///< a keep-alive

    constexpr bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
    /// What it takes of the sequence; SYN and FIN are never sent together.
    constexpr std::uint32_t places() const { return length + (has(tcp_flag::syn | tcp_flag::fin) ? 1U : 0U); }
};

namespace detail {

constexpr std::uint32_t least_of(std::uint32_t a, std::uint32_t b) { return a < b ? a : b; }

constexpr bool may_send_text(tcp_state s) {
    return s >= tcp_state::established && s != tcp_state::fin_wait_2 && s != tcp_state::time_wait;
}

/// The segment at `from` with as much text as `usable` allows, whether or not it is wise to send it.
[[gnu::noinline]] constexpr void cut(tcp_plan& p, const tcb& c, seq from, std::uint32_t queued, std::uint32_t usable) {
    p.from = from;
    const std::uint32_t offset = from - c.text_base();
    p.unsent = offset < queued ? queued - offset : 0;
    p.length = least_of(least_of(p.unsent, usable), c.mss);
    p.flags = 0;
    if (p.length == p.unsent) {
        if (p.length != 0) p.flags = tcp_flag::psh;
        if (c.shut && offset <= queued) p.flags |= tcp_flag::fin;
    }
    p.send = p.length != 0 || p.has(tcp_flag::fin);
}

constexpr void plan_syn(tcp_plan& p, const tcb& c) {
    p = {};
    p.from = c.una;
    p.flags = tcp_flag::syn;
    p.send = true;
}

}  // namespace detail

/// Whether to send now, and what, with `queued` octets from una on, `allowed` of which may be under way as far as the
/// path's congestion goes. Nagle's algorithm and the sender's avoidance of silly windows (RFC 9293 sections 3.7.4 and
/// 3.8.6.2.1); `no_delay` turns the first off (MUST-17).
[[gnu::noinline]] constexpr void next_segment(tcp_plan& p, const tcb& c, std::uint32_t queued, std::uint32_t allowed,
                                              bool no_delay) {
    p = {};
    if (c.opening() && c.nxt == c.una) return detail::plan_syn(p, c);
    if (!detail::may_send_text(c.state)) return;
    const std::uint32_t window = detail::least_of(c.window, allowed);
    const std::uint32_t flight = c.flight();
    detail::cut(p, c, c.nxt, queued, window > flight ? window - flight : 0);
    // Our FIN needs no room in the peer's window: nothing would be gained by holding it back.
    if (p.length == 0 || p.length == c.mss || p.has(tcp_flag::fin) || c.nxt < c.max) return;
    const bool idle = flight == 0;
    p.send = (p.has(tcp_flag::psh) && (idle || no_delay)) || (idle && p.length >= c.window_max / 2);
}

/// The first segment that is not acknowledged, to be sent again.
constexpr void segment_again(tcp_plan& p, const tcb& c, std::uint32_t queued) {
    if (c.opening()) return detail::plan_syn(p, c);
    detail::cut(p, c, c.una, queued, c.max - c.una);
}

/// The segment of `places` at `from` again.
constexpr void segment_at(tcp_plan& p, const tcb& c, std::uint32_t queued, seq from, std::uint32_t places) {
    detail::cut(p, c, from, queued, places);
    if (p.length == places) p.flags &= static_cast<std::uint8_t>(~tcp_flag::fin);  // that stands behind it
}

/// The segment that asks a peer with a closed or small window for a sign (RFC 9293 section 3.8.6.1): at least one
/// octet.
constexpr void probe_segment(tcp_plan& p, const tcb& c, std::uint32_t queued) {
    const std::uint32_t flight = c.flight();
    const std::uint32_t usable = c.window > flight ? c.window - flight : 0;
    detail::cut(p, c, c.nxt, queued, usable != 0 ? usable : 1);
    p.probe = true;
}

}  // namespace uk::net
