// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_wire.hpp>

#include <cstdint>

// The state machine of RFC 9293 as functions over values: no queue, no clock, no packet. Left out: precedence and
// security compartments (3.10.7.4 third), urgent data as anything but data in line (MUST-31 asks no more of a
// receiver).
namespace uk::net {

enum class tcp_state : std::uint8_t {
    closed,
    listen,
    syn_sent,
    syn_received,
    established,
    fin_wait_1,
    fin_wait_2,
    close_wait,
    closing,
    last_ack,
    time_wait,
};

/// The variables of one connection (RFC 9293 section 3.3.1).
struct tcb {
    tcp_state state = tcp_state::closed;
    bool passive = false;         ///< opened by the peer (MUST-11)
    bool shut = false;            ///< the application sends no more: FIN follows what is queued
    bool fin_sent = false;        ///< our FIN stands at max - 1
    bool peer_fin = false;        ///< the peer's FIN stands at fin_at; what is before it may be missing yet
    bool sack = false;            ///< both ends do SACK
    bool stamped = false;         ///< both ends send timestamps
    bool ecn = false;             ///< both ends do ECN
    bool scaled = false;          ///< both ends scale their windows
    std::uint8_t own_shift = 0;   ///< of the windows that we tell, once both ends have offered it (RFC 7323 section 2)
    std::uint8_t peer_shift = 0;  ///< of those that the peer tells
    std::uint16_t mss = 536;  ///< octets of text in a segment we send; before the peer's SYN what we could send at most

    seq iss;                       ///< our SYN
    seq una;                       ///< SND.UNA
    seq nxt;                       ///< SND.NXT; goes back to una on a timeout
    seq max;                       ///< one past the last place ever sent
    std::uint32_t window = 0;      ///< SND.WND
    std::uint32_t window_max = 0;  ///< the largest SND.WND ever (RFC 5961 section 5.2, RFC 9293 section 3.8.6.2.1)
    seq wl1;                       ///< SND.WL1
    seq wl2;                       ///< SND.WL2

    seq rcv_nxt;   ///< RCV.NXT
    seq rcv_edge;  ///< RCV.NXT + RCV.WND as last advertised; before the peer's SYN only the distance to rcv_nxt counts
    seq fin_at;

    /// Where the first octet of text stands that is not acknowledged.
    constexpr seq text_base() const { return state < tcp_state::established ? una + 1 : una; }
    constexpr std::uint32_t flight() const { return nxt - una; }
    /// The peer has said all, and all of it has come.
    constexpr bool ended() const { return state >= tcp_state::close_wait; }
    /// Our SYN is not acknowledged.
    constexpr bool opening() const { return state == tcp_state::syn_sent || state == tcp_state::syn_received; }
    constexpr bool synchronized() const { return state >= tcp_state::syn_received; }
};

/// Why a segment, or part of it, was not used.
enum class tcp_drop : std::uint8_t { none, out_of_window, bad_ack, bad_reset, bad_syn, no_ack, not_syn };

/// What is to be done after a segment.
struct tcp_reaction {
    tcp_drop drop = tcp_drop::none;
    bool ack = false;         ///< acknowledge now
    bool challenge = false;   ///< acknowledge now, unless that was done lately (RFC 5961 section 7)
    bool reset = false;       ///< answer with `reset_for` this segment
    bool repeat = false;      ///< send our SYN again
    bool opened = false;      ///< established now
    bool aborted = false;     ///< closed now, by the peer's RST
    bool finished = false;    ///< closed now, all being said and acknowledged
    bool waits = false;       ///< TIME-WAIT begins, or begins again
    bool advanced = false;    ///< una moved
    bool duplicate = false;   ///< a duplicate acknowledgment (RFC 5681 section 2)
    bool ended = false;       ///< the peer's FIN was reached
    std::uint32_t acked = 0;  ///< octets of text newly acknowledged
    std::uint32_t skip = 0;   ///< octets of the segment's text that came before
    std::uint32_t take = 0;   ///< octets behind those that are inside the window; they stand at `at`
    seq at;

    constexpr void dropped(tcp_drop why, bool answer_with_reset = false) {
        drop = why;
        reset = answer_with_reset;
    }
    constexpr void challenged(tcp_drop why) {
        drop = why;
        challenge = true;
    }
};

/// The segment that refuses `s` (RFC 9293 section 3.10.7.1). `s` itself is not a RST.
constexpr tcp_segment reset_for(const tcp_segment& s) {
    tcp_segment r;
    r.source_port = s.destination_port;
    r.destination_port = s.source_port;
    r.flags = tcp_flag::rst;
    if (s.has(tcp_flag::ack)) {
        r.sequence = s.acknowledgment;
    } else {
        r.flags |= tcp_flag::ack;
        r.acknowledgment = s.sequence + s.length();
    }
    return r;
}

namespace detail {

/// The peer's SYN: its numbers, its window (never scaled, RFC 7323 section 2.2) and its MSS (MUST-15: 536 when absent).
/// A tiny one would make us send headers only, so it counts as 64 (RFC 9293 section 3.7.1).
constexpr void synchronize(tcb& c, const tcp_segment& s) {
    const std::uint32_t offered = c.rcv_edge - c.rcv_nxt;
    c.rcv_nxt = s.sequence + 1;
    c.rcv_edge = c.rcv_nxt + offered;
    c.window = c.window_max = s.window;
    c.wl1 = s.sequence;
    c.wl2 = s.acknowledgment;
    const unsigned theirs = s.options.mss == 0 ? 536U : s.options.mss < 64 ? 64U : s.options.mss;
    if (theirs < c.mss) c.mss = static_cast<std::uint16_t>(theirs);
}

/// RFC 9293 section 3.10.7.2; `c` is a fresh block with its numbers chosen.
constexpr void on_listen(tcb& c, const tcp_segment& s, tcp_reaction& r) {
    if (s.has(tcp_flag::rst)) return r.dropped(tcp_drop::bad_reset);
    if (s.has(tcp_flag::ack)) return r.dropped(tcp_drop::bad_ack, true);
    if (!s.has(tcp_flag::syn) || s.has(tcp_flag::fin)) return r.dropped(tcp_drop::not_syn);
    c.passive = true;
    c.state = tcp_state::syn_received;
    synchronize(c, s);
}

/// RFC 9293 section 3.10.7.3. Text or FIN with the SYN is left for the peer to send again.
constexpr void on_syn_sent(tcb& c, const tcp_segment& s, tcp_reaction& r) {
    const bool acks = s.has(tcp_flag::ack) && s.acknowledgment > c.iss && s.acknowledgment <= c.max;
    if (s.has(tcp_flag::ack) && !acks) return r.dropped(tcp_drop::bad_ack, !s.has(tcp_flag::rst));
    if (s.has(tcp_flag::rst)) {
        if (!acks) return r.dropped(tcp_drop::bad_reset);
        c.state = tcp_state::closed;
        r.aborted = true;
        return;
    }
    if (!s.has(tcp_flag::syn)) return r.dropped(tcp_drop::not_syn);
    synchronize(c, s);
    if (acks) {
        c.una = s.acknowledgment;
        c.nxt = later(c.nxt, c.una);
        c.state = tcp_state::established;
        r.opened = r.advanced = r.ack = true;
    } else {
        c.state = tcp_state::syn_received;  // simultaneous open (MUST-10)
        r.repeat = true;
    }
}

/// The four cases of RFC 9293 section 3.10.7.4 first. Without length the window's edge itself is taken too: there a
/// peer stands that has filled the window.
constexpr bool acceptable(const tcb& c, const tcp_segment& s) {
    const std::uint32_t window = c.rcv_edge - c.rcv_nxt;
    const std::uint32_t length = s.length();
    if (length == 0) return s.sequence - c.rcv_nxt <= window;
    return s.sequence - c.rcv_nxt < window || s.sequence + (length - 1) - c.rcv_nxt < window;
}

/// The window of a segment, which counts from its acknowledgment on: una is there.
constexpr void set_window(tcb& c, const tcp_segment& s) {
    c.window = s.window;
    if (c.window > c.window_max) c.window_max = c.window;
    c.wl1 = s.sequence;
    c.wl2 = s.acknowledgment;
}

/// The window of a segment that is not older than the last one that set it (RFC 9293 section 3.10.7.4 fifth).
constexpr void take_window(tcb& c, const tcp_segment& s) {
    if (c.wl1 < s.sequence || (c.wl1 == s.sequence && c.wl2 <= s.acknowledgment)) set_window(c, s);
}

/// The states that wait for our FIN to be acknowledged.
constexpr void on_fin_acked(tcb& c, tcp_reaction& r) {
    if (c.state == tcp_state::fin_wait_1) {
        c.state = tcp_state::fin_wait_2;
    } else if (c.state == tcp_state::closing) {
        c.state = tcp_state::time_wait;
        r.waits = true;
    } else if (c.state == tcp_state::last_ack) {
        c.state = tcp_state::closed;
        r.finished = true;
    }
}

/// RFC 9293 section 3.10.7.4 fifth; false when the segment ends here.
[[gnu::noinline]] constexpr bool on_ack(tcb& c, const tcp_segment& s, tcp_reaction& r) {
    const seq ack = s.acknowledgment;
    const seq base = c.text_base();
    if (c.state == tcp_state::syn_received) {
        if (!(c.una < ack && ack <= c.max)) {
            r.dropped(tcp_drop::bad_ack, true);
            return false;
        }
        c.state = tcp_state::established;
        r.opened = true;
    } else if (ack > c.max || ack < seq{c.una.value - c.window_max}) {
        r.challenged(tcp_drop::bad_ack);  // RFC 5961 section 5.2
        return false;
    }
    if (ack > c.una) {
        const bool fin = c.fin_sent && ack == c.max;
        r.acked = ack - base - (fin ? 1U : 0U);
        r.advanced = true;
        c.una = ack;
        c.nxt = later(c.nxt, ack);
        // Also where its text was sent before (the peer's retransmission): the former window counts from the former una
        // and would now reach too far.
        set_window(c, s);
        if (fin) on_fin_acked(c, r);
        return c.state != tcp_state::closed;
    }
    if (ack < c.una) return true;
    r.duplicate = c.una < c.max && s.length() == 0 && s.window == c.window;
    take_window(c, s);
    return true;
}

/// What of the text, and whether the FIN, lies in the window (RFC 9293 section 3.10.7.4 seventh and eighth).
[[gnu::noinline]] constexpr void on_content(tcb& c, const tcp_segment& s, tcp_reaction& r) {
    if (c.state < tcp_state::established || c.state > tcp_state::fin_wait_2) return;
    r.skip = s.sequence < c.rcv_nxt ? c.rcv_nxt - s.sequence : 0;
    if (r.skip > s.text) r.skip = s.text;
    r.at = s.sequence + r.skip;
    const seq edge = c.peer_fin && c.fin_at < c.rcv_edge ? c.fin_at : c.rcv_edge;
    const std::uint32_t room = edge > r.at ? edge - r.at : 0;
    const std::uint32_t left = s.text - r.skip;
    r.take = left < room ? left : room;
    if (!s.has(tcp_flag::fin)) return;
    if (s.sequence > c.rcv_nxt) r.ack = true;  // RFC 5681 section 4.2: it tells of a gap, as early text does
    if (r.take < left || c.peer_fin) return;
    c.peer_fin = true;
    c.fin_at = s.sequence + s.text;
}

/// RST and SYN in a synchronized state (RFC 9293 section 3.10.7.4 second and fourth, RFC 5961 sections 3.2 and 4.2).
constexpr void on_intrusion(tcb& c, const tcp_segment& s, tcp_reaction& r) {
    if (!s.has(tcp_flag::rst)) return r.challenged(tcp_drop::bad_syn);
    if (s.sequence != c.rcv_nxt) return r.challenged(tcp_drop::bad_reset);
    if (c.state == tcp_state::time_wait) return r.dropped(tcp_drop::bad_reset);  // RFC 1337 section 3
    r.aborted = true;
    c.state = tcp_state::closed;
}

constexpr void on_unacceptable(const tcb& c, const tcp_segment& s, tcp_reaction& r) {
    r.drop = tcp_drop::out_of_window;
    if (s.has(tcp_flag::rst)) return;
    // Text must be answered, or a peer whose acknowledgments were lost sends it for ever; two ends that only answer
    // each other's acknowledgments must come to rest.
    (s.text != 0 || s.has(tcp_flag::fin) ? r.ack : r.challenge) = true;
    r.waits = c.state == tcp_state::time_wait && s.has(tcp_flag::fin);
}

constexpr void on_synchronized(tcb& c, tcp_segment& s, tcp_reaction& r) {
    if (c.state == tcp_state::syn_received && s.has(tcp_flag::syn) && s.sequence + 1 == c.rcv_nxt) {
        // The peer's SYN again: our answer was lost; or with an ACK, both ends opened at once (figure 8).
        if (!s.has(tcp_flag::ack)) {
            r.repeat = !s.has(tcp_flag::rst);
            return;
        }
        s.flags &= static_cast<std::uint8_t>(~tcp_flag::syn);
        s.sequence = s.sequence + 1;
    }
    bool probe = false;
    if (c.rcv_edge == c.rcv_nxt && s.sequence == c.rcv_nxt && s.length() != 0) {
        // With a closed window, acknowledgments are still taken, and a probe is answered (MUST-66 and section 3.8.6.1).
        s.text = 0;
        s.flags &= static_cast<std::uint8_t>(~tcp_flag::fin);
        probe = true;
    }
    if (!acceptable(c, s)) return on_unacceptable(c, s, r);
    if (s.has(tcp_flag::rst | tcp_flag::syn)) return on_intrusion(c, s, r);
    if (!s.has(tcp_flag::ack)) return r.dropped(tcp_drop::no_ack);
    if (!on_ack(c, s, r)) return;
    r.ack = probe;
    on_content(c, s, r);
}

}  // namespace detail

/// RFC 9293 section 3.10.7: fills `r`, which is fresh, and may take from `s` what is not to be looked at any more. The
/// caller then queues the text named by `skip` and `take`, and reports with `on_text` how far RCV.NXT can move.
[[gnu::noinline]] constexpr void on_segment(tcb& c, tcp_segment& s, tcp_reaction& r) {
    if (c.state > tcp_state::syn_sent) return detail::on_synchronized(c, s, r);
    if (c.state == tcp_state::syn_sent) return detail::on_syn_sent(c, s, r);
    if (c.state == tcp_state::listen) return detail::on_listen(c, s, r);
    const bool answer = !s.has(tcp_flag::rst);
    r.dropped(answer ? tcp_drop::bad_ack : tcp_drop::bad_reset, answer);
}

/// `octets` more are there in order. Past the peer's last octet its FIN takes effect.
constexpr void on_text(tcb& c, std::uint32_t octets, tcp_reaction& r) {
    c.rcv_nxt = c.rcv_nxt + octets;
    if (c.peer_fin && !c.ended() && c.rcv_nxt >= c.fin_at) {
        c.rcv_nxt = c.rcv_nxt + 1;
        r.ended = r.ack = true;
        if (c.state == tcp_state::established) c.state = tcp_state::close_wait;
        if (c.state == tcp_state::fin_wait_1) c.state = tcp_state::closing;
        if (c.state == tcp_state::fin_wait_2) {
            c.state = tcp_state::time_wait;
            r.waits = true;
        }
    }
    c.rcv_edge = later(c.rcv_edge, c.rcv_nxt);
}

/// A segment of `length` places from `from` on was handed to the network; `fin` when the last of them is our FIN.
constexpr void on_sent(tcb& c, seq from, std::uint32_t length, bool fin) {
    c.nxt = later(c.nxt, from + length);
    c.max = later(c.max, c.nxt);
    if (!fin) return;
    c.fin_sent = true;
    if (c.state == tcp_state::established) c.state = tcp_state::fin_wait_1;
    if (c.state == tcp_state::close_wait) c.state = tcp_state::last_ack;
}

/// The window to put into a segment, moving its right edge to `room` octets from RCV.NXT when that opens it by at least
/// `step`: neither backwards (SHLD-14) nor in crumbs (MUST-39). A scaled window is told in whole units, so that less
/// than one unit of what was told before may be taken back as RCV.NXT moves (RFC 7323 section 2.4).
constexpr std::uint16_t advertise(tcb& c, std::uint32_t room, std::uint32_t step) {
    const std::uint32_t most = std::uint32_t{65535} << c.own_shift;
    if (room > most) room = most;
    const seq edge = c.rcv_nxt + room;
    if (edge > c.rcv_edge && edge - c.rcv_edge >= step) c.rcv_edge = edge;
    // A SYN that is sent again cannot tell what was told by scaled windows since.
    const std::uint32_t told = c.rcv_edge - c.rcv_nxt;
    return static_cast<std::uint16_t>((told < most ? told : most) >> c.own_shift);
}

}  // namespace uk::net
