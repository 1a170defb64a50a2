// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_plan.hpp>
#include <uk/net/tcp_send_queue.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::net {

/// What there is to send one segment after the other, for a card that cuts it into segments.
struct tcp_cutter {
    std::uint32_t allowed = 0;  ///< as in next_segment()
    std::size_t pieces = 0;     ///< the card takes so many
    std::size_t segments = 0;   ///< at most so many
};

/// Makes of `p`, the next segment, as many full ones of new text as may be sent now. A FIN waits for the last segment,
/// which the card does not see.
inline void lengthen(tcp_plan& p, const tcb& c, const tcp_send_queue& text, const tcp_cutter& cutter) {
    constexpr std::uint32_t most = 64'000;  // with all headers one datagram
    if (p.length != c.mss || p.from < c.max || p.has(tcp_flag::fin)) return;
    const std::uint32_t window = detail::least_of(c.window, cutter.allowed);
    const std::uint32_t flight = c.flight();
    std::uint32_t usable = detail::least_of(window > flight ? window - flight : 0, p.unsent);
    usable = text.gather(p.from - c.text_base(), detail::least_of(usable, most), nullptr, cutter.pieces);
    std::size_t count = usable / c.mss;
    if (c.shut && count * c.mss == p.unsent) --count;
    if (count > cutter.segments) count = cutter.segments;
    if (count < 2) return;
    p.length = static_cast<std::uint32_t>(count * c.mss);
    if (p.length == p.unsent) p.flags |= tcp_flag::psh;
}

}  // namespace uk::net
