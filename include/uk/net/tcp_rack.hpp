// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_recovery.hpp>
#include <uk/net/tcp_sent.hpp>

#include <cstdint>

namespace uk::net {

/// Loss recovery by what the peer has selectively acknowledged and by time: RACK-TLP (RFC 8985) over a scoreboard of
/// segments (RFC 6675's pipe). A peer without SACK gets NewReno's (RFC 6582) on the same records. Not obeyed: the
/// proportional rate reduction of RFC 6937 (the window is halved at once), and undoing a reduction (RFC 3522, RFC
/// 3708).
struct tcp_rack {
    enum class phase : std::uint8_t { open, recovery, timeout };

    tcp_sent_list sent;
    std::uint32_t pipe = 0;    ///< octets thought to be in the network
    std::uint32_t extra = 0;   ///< without SACK: octets that duplicates say have left it
    std::uint16_t sacked = 0;  ///< records
    std::uint16_t lost = 0;    ///< records, not sent again yet
    phase now_in = phase::open;
    bool at_once = false;         ///< the first lost segment goes whatever the window (RFC 6675 section 5 step 4.3)
    bool any = false;             ///< the four fields after `point` mean something
    bool reordered = false;       ///< RACK.reordering_seen
    bool probing = false;         ///< a tail probe is out
    bool probed_again = false;    ///< it was a segment sent before
    std::uint8_t duplicates = 0;  ///< without SACK
    std::uint8_t spread = 1;      ///< RACK.reo_wnd_mult
    std::uint8_t keep = 0;        ///< RACK.reo_wnd_persist
    seq point;                    ///< where recovery ends
    tcp_ticks latest_at = 0;      ///< RACK.xmit_ts: when the latest segment that has arrived was sent
    seq latest_end;               ///< RACK.end_seq
    tcp_ticks latest_took = 0;    ///< RACK.rtt
    seq farthest;                 ///< RACK.fack
    tcp_ticks least_trip = 0;     ///< RACK.min_RTT; 0 while none was measured
    seq round;                    ///< RACK.dsack_round
    seq probe_end;                ///< TLP.end_seq

    /// A connection whose numbers start at `at`.
    void begin(seq at) { point = round = at; }

    /// Where round trips are kept, and the one that a segment's echoed timestamp tells, 0 for none.
    struct trips {
        tcp_rtt& rtt;
        tcp_ticks echoed;
    };

    /// A segment has acknowledged something new, come twice or brought SACK. `path` is as before it. True when a loss
    /// was noticed.
    template <class Congestion>
    bool on_ack(Congestion& c, const tcb& b, const tcp_reaction& a, const tcp_segment& s, const tcp_path& path,
                const trips& t, tcp_sent_pool& pool) {
        const bool twice = on_delivered(b, a, s, path.now, t, pool);
        // What the acknowledgment that ends a recovery covers was sent before it: the window does not grow by that.
        const bool grows = a.advanced && now_in != phase::recovery;
        if (now_in != phase::open && b.una >= point) {
            if (now_in == phase::recovery) {
                tcp_path rest = path;
                rest.flight = b.flight();
                c.recovered(rest);
                if (keep != 0 && --keep == 0) spread = 1;
            }
            now_in = phase::open;
        }
        if (now_in == phase::open) point = b.una;
        if (grows) c.acknowledged(a.acked, path);
        if (probing && on_probed(b, twice)) c.lost(path);
        return find_lost(c, b, a, path, t.rtt);
    }

    /// The timer for reordering has gone off; true when a loss was noticed.
    template <class Congestion>
    bool on_reorder_timer(Congestion& c, const tcb& b, const tcp_path& path, const tcp_rtt& rtt) {
        return find_lost(c, b, {}, path, rtt);
    }

    /// All that is not acknowledged counts as lost. What was selectively acknowledged is forgotten: the peer may have
    /// thrown it away (RFC 2018 section 8).
    void timed_out(tcb& b) {
        if (b.opening()) {
            b.nxt = b.una;
            return;
        }
        lost = 0;
        for (tcp_sent* s = sent.first(); s != nullptr; s = s->next) {
            s->sacked = false;
            s->lost = true;
            ++lost;
        }
        sacked = duplicates = 0;
        pipe = extra = 0;
        now_in = phase::timeout;
        point = b.max;
        probing = false;
    }

    /// Forgets the records: everything from una on is sent anew.
    void start_over(tcb& b, tcp_sent_pool& pool) {
        clear(pool);
        b.nxt = b.una;
        now_in = phase::open;
    }
    void clear(tcp_sent_pool& pool) {
        while (!sent.empty()) sent.remove_first(pool);
        pipe = extra = 0;
        sacked = lost = duplicates = 0;
        probing = at_once = false;
    }

    bool recovers() const { return now_in != phase::open; }

    /// Octets that may be under way in all, counting those that have arrived or are lost.
    std::uint32_t allowed(const tcb& b, std::uint32_t window) const {
        const std::uint32_t most = window + extra;
        return b.flight() + (most > pipe ? most - pipe : 0);
    }

    /// The lost segment to be sent now, or null.
    tcp_sent* due(std::uint32_t window) {
        if (lost == 0 || (pipe >= window + extra && !at_once)) return nullptr;
        tcp_sent* s = sent.first();
        while (!s->lost) s = s->next;
        return s;
    }

    /// `p` was sent: a new segment, or `old` again.
    void on_sent(const tcp_plan& p, tcp_sent* old, tcp_ticks now, tcp_sent_pool& pool) {
        // Ticks tell for half an hour which of two came first: what was sent longer ago has overtaken nothing.
        any = any && now - latest_at < longest_memory;
        if (old == nullptr) {
            old = &sent.add(pool);
            old->begin = p.from;
            old->places = static_cast<std::uint16_t>(p.places());
        } else {
            if (!old->lost && !old->sacked) pipe -= old->places;
            if (old->lost) --lost;
            old->lost = false;
            old->again = true;
            at_once = false;
        }
        old->at = now;
        if (!old->sacked) pipe += old->places;
    }

    /// What the timer should wait for (RFC 8985 sections 6.2 and 7.2).
    tcp_demand demand(const tcb& b, const tcp_rtt& rtt, tcp_ticks now) const {
        tcp_demand d;
        if (!b.sack || sent.empty()) return d;
        d.reorder = reorder_wait(rtt, now);
        if (now_in != phase::open || sacked != 0 || probing) return d;
        d.tail = rtt.smoothed == 0 ? ticks_of_ms(1000) : 2 * rtt.smoothed + 2048;
        if (sent.first() == sent.last()) d.tail += ticks_of_ms(200);  // the longest that peers delay acknowledgments
        return d;
    }

    /// A tail probe was sent, up to `end`; `again`: it was no new segment.
    void on_probe_sent(seq end, bool was_again) {
        probing = true;
        probed_again = was_again;
        probe_end = end;
    }

private:
    static constexpr tcp_ticks longest_memory = tcp_ticks{1} << 30;

    static bool after(tcp_ticks a, seq a_end, tcp_ticks b, seq b_end) {
        const auto gap = static_cast<std::int32_t>(a - b);
        return gap > 0 || (gap == 0 && a_end > b_end);
    }

    // The window in which segments may overtake each other (section 6.2 step 4).
    tcp_ticks reorder_window(const tcp_rtt& rtt) const {
        if (!reordered && (now_in != phase::open || sacked >= 3)) return 0;
        const tcp_ticks w = spread * (least_trip / 4);
        return w < rtt.smoothed ? w : rtt.smoothed;
    }

    // A segment has arrived, `s` not having been known to (section 6.2 steps 1 to 3).
    void on_arrived(const tcp_sent& s, tcp_ticks now) {
        const tcp_ticks took = now - s.at;
        if (s.again && took < least_trip) return;  // an acknowledgment of the first copy
        if (!s.again) {
            if (least_trip == 0 || took < least_trip) least_trip = took != 0 ? took : 1;
            if (any && s.end() < farthest) reordered = true;
        }
        if (!any || s.end() > farthest) farthest = s.end();
        if (any && !after(s.at, s.end(), latest_at, latest_end)) return;
        any = true;
        latest_at = s.at;
        latest_end = s.end();
        latest_took = took;
    }

    // Brings the records up to date; true when the peer tells that something came twice.
    [[gnu::noinline]] bool on_delivered(const tcb& b, const tcp_reaction& a, const tcp_segment& s, tcp_ticks now,
                                        const trips& t, tcp_sent_pool& pool) {
        tcp_ticks trip = 0;
        while (!sent.empty() && sent.first()->begin < b.una) {
            tcp_sent& f = *sent.first();
            if (f.end() > b.una) {
                const auto less = static_cast<std::uint16_t>(b.una - f.begin);
                f.begin = b.una;
                f.places = static_cast<std::uint16_t>(f.places - less);
                if (f.under_way()) pipe -= less;
                break;
            }
            if (f.under_way()) pipe -= f.places;
            if (f.sacked) {
                --sacked;
            } else {
                on_arrived(f, now);
                if (!f.again) trip = now - f.at;
            }
            if (f.lost) --lost;
            sent.remove_first(pool);
        }
        bool twice = false;
        if (b.sack) {
            twice = take_blocks(b, s, now, trip);
        } else if (a.advanced) {
            duplicates = 0;
            extra = now_in == phase::open || extra < a.acked ? 0 : extra - a.acked;
        }
        if (trip == 0 && a.advanced) trip = t.echoed;
        if (trip != 0) t.rtt.sample(trip);
        return twice;
    }

    bool take_blocks(const tcb& b, const tcp_segment& s, tcp_ticks now, tcp_ticks& trip) {
        bool twice = false;
        for (unsigned i = 0; i < s.options.blocks; ++i) {
            const tcp_range r = sack_block(s.options.sack, i);
            if (!(r.begin < r.end) || r.end > b.max) continue;
            if (r.begin < b.una || (i == 0 && s.options.blocks > 1 && inside(r, sack_block(s.options.sack, 1)))) {
                twice |= i == 0;  // RFC 2883 section 4
                continue;
            }
            for (tcp_sent* x = sent.first(); x != nullptr && x->begin < r.end; x = x->next) {
                if (x->sacked || x->begin < r.begin || x->end() > r.end) continue;
                if (x->under_way()) pipe -= x->places;
                if (x->lost) --lost;
                x->lost = false;
                x->sacked = true;
                ++sacked;
                on_arrived(*x, now);
                if (!x->again) trip = now - x->at;
            }
        }
        if (twice && b.una >= round) {
            // Once in a round trip (section 6.2 step 4).
            round = b.max;
            if (spread < 255) ++spread;
            keep = 16;
        }
        return twice;
    }

    static bool inside(const tcp_range& a, const tcp_range& b) { return a.begin >= b.begin && a.end <= b.end; }

    // Section 7.4: true when the probe has repaired a loss that nothing else would have told of.
    bool on_probed(const tcb& b, bool twice) {
        if (b.una < probe_end) return false;
        probing = false;
        return probed_again && !twice && now_in == phase::open;
    }

    // How long until the first segment that was overtaken counts as lost; 0 when there is none.
    tcp_ticks reorder_wait(const tcp_rtt& rtt, tcp_ticks now) const {
        tcp_ticks least = 0;
        if (!any || (sacked == 0 && now_in == phase::open)) return 0;
        const tcp_ticks limit = latest_took + reorder_window(rtt);
        for (const tcp_sent* x = sent.first(); x != nullptr; x = x->next) {
            if (!x->under_way() || !after(latest_at, latest_end, x->at, x->end())) continue;
            // What was due since the acknowledgment was looked at is due now.
            const tcp_ticks due_at = x->at + limit;
            const tcp_ticks wait = static_cast<std::int32_t>(due_at - now) > 0 ? due_at - now : 1;
            if (least == 0 || wait < least) least = wait;
        }
        return least;
    }

    void mark(tcp_sent& s) {
        pipe -= s.places;
        s.lost = true;
        ++lost;
    }

    template <class Congestion>
    [[gnu::noinline]] bool find_lost(Congestion& c, const tcb& b, const tcp_reaction& a, const tcp_path& path,
                                     const tcp_rtt& rtt) {
        const std::uint16_t before = lost;
        if (!b.sack) {
            find_without_sack(b, a, path.mss);
        } else if (any && (sacked != 0 || now_in != phase::open)) {
            // Section 6.2 step 5.
            const tcp_ticks limit = latest_took + reorder_window(rtt);
            for (tcp_sent* x = sent.first(); x != nullptr; x = x->next) {
                if (!x->under_way() || !after(latest_at, latest_end, x->at, x->end())) continue;
                if (static_cast<std::int32_t>(x->at + limit - path.now) <= 0) mark(*x);
            }
        }
        if (lost == before || now_in != phase::open) return false;
        now_in = phase::recovery;
        point = b.max;
        at_once = true;
        if (!b.sack) extra = 3 * path.mss;
        c.lost(path);
        return true;
    }

    // RFC 6582 section 3.2.
    void find_without_sack(const tcb& b, const tcp_reaction& a, std::uint32_t mss) {
        if (sent.empty() || !sent.first()->under_way()) return;
        if (a.advanced) {
            if (now_in == phase::recovery) {
                mark(*sent.first());
                at_once = true;
            }
            return;
        }
        if (!a.duplicate) return;
        if (duplicates < 255) ++duplicates;
        if (now_in == phase::recovery) {
            extra += mss;
        } else if (duplicates < 3) {
            extra = duplicates * mss;  // limited transmit (RFC 3042)
        } else if (duplicates == 3 && b.una >= point) {
            mark(*sent.first());
        }
    }
};

}  // namespace uk::net
