// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_handshake.hpp>
#include <uk/net/tcp_segmentation.hpp>
#include <uk/net/tcp_slot.hpp>
#include <uk/net/tcp_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace uk::net {

/// Output and timers of TCP. `Self`, which derives from it, has `now()`, `hand_down(outgoing&&, const tcp_ends&,
/// const tcp_segment&)`, which says whether the segment is not to be held back for want of buffers, and
/// `doubt(const tcp_ends&)`, which is told when what was sent seems not to arrive.
template <class Self, const tcp_limits& Limits, class Congestion>
class tcp_sender : protected tcp_core {
protected:
    static constexpr tcp_features features = Limits.features;
    static constexpr std::uint8_t own_shift = features.window_scale ? shift_for(Limits.receive_window) : 0;
    using slot = tcp_slot<features, Congestion>;

    tcp_sender(uk::scheduler& on, packet_store& packets) : tcp_core(Limits, on, packets) {
        fire_ = [](tcp_core& core, tcp_record& r) { static_cast<tcp_sender&>(core).on_timer(of(r)); };
        if constexpr (features.sack) {
            forget_ = [](tcp_core& core, tcp_record& r) {
                of(r).recovery.clear(static_cast<tcp_sender&>(core).sent_.pool);
            };
        }
    }

    static slot& of(tcp_record& r) { return static_cast<slot&>(r); }
    static tcp_path path(const slot& r, instant at) {
        return {r.control.mss, r.control.flight(), ticks_at(at), r.rtt.smoothed};
    }

    /// Makes the record anew. What was there has nothing left to give back.
    [[gnu::noinline]] void renew(slot& r, std::uint16_t generation) {
        new (&r) slot;
        r.core = this;
        r.generation = generation;
    }

    /// A fresh connection with its numbers chosen, or null.
    tcp_record* create(const tcp_ends& e, std::uint16_t mss, instant at) {
        tcp_record* r = take_free();
        if (r == nullptr) return nullptr;
        renew(of(*r), r->generation);
        enter(*r, e, mss, at);
        of(*r).recovery.begin(r->control.iss);
        r->retries = Limits.retries;
        if constexpr (features.timestamps) of(*r).stamps.offset = static_cast<std::uint32_t>(hash(e) >> 32);
        return r;
    }

    [[gnu::noinline]] void output(slot& r, instant at) {
        tcb& c = r.control;
        if (r.reset) {
            count(tcp_count::resets_out);
            tcp_plan p;
            p.flags = tcp_flag::rst;
            transmit(r, p, at);
            return close(r, r.outcome);
        }
        if (c.state == tcp_state::closed) return;
        // A task that waits for buffers and has nothing under way would not be woken by an acknowledgment.
        const bool waits = std::exchange(r.starved, false) || (r.writer != nullptr && r.send.octets() == 0);
        const bool held_back = send_text(r, at);
        if (r.acks_owed == 0 && r.ack_now) r.acks_owed = 1;
        for (; r.acks_owed != 0 && !r.starved; --r.acks_owed) transmit(r, {}, at);
        if (r.starved) r.ack_now = r.ack_now || r.ack_later;
        if constexpr (features.keep_alive) {
            if (std::exchange(r.question, false)) {
                tcp_plan p;
                p.question = true;
                transmit(r, p, at);
            }
        }
        set_timer(r, held_back, at);
        if (r.starved || waits || r.ack_later) {
            schedule_later(r);
        } else if (c.state == tcp_state::time_wait && r.orphan()) {
            waiting_.push_back(r);
        }
    }

    // One segment; without text or flags an acknowledgment. `old`: the record of a segment sent before. False when it
    // has to wait for buffers.
    [[gnu::noinline]] bool transmit(slot& r, const tcp_plan& p, instant at, tcp_sent* old = nullptr) {
        // Text leaves a little for reception, which alone can set buffers free again.
        const std::size_t least = p.length != 0 ? std::size_t{Limits.reserve} / 4 : 0;
        const std::uint32_t places = p.places();
        tcb& c = r.control;
        const bool recorded = features.sack && places != 0 && !p.has(tcp_flag::syn) && !p.probe;
        bool may = packets_->available() > least;
        if constexpr (features.sack) {
            if (recorded && old == nullptr) may = may && sent_.pool.may_take(r.recovery.sent.empty());
        }
        outgoing out = may ? packets_->take_outgoing() : outgoing{};
        if (!out.head) {
            r.starved = true;
            return false;
        }
        if (self().segment_pieces() != 0 && p.length > c.mss) {
            packet_pieces& pieces = begin_pieces(out.head, c.mss);
            r.send.gather(p.from - c.text_base(), p.length, &pieces, packet_pieces::most);
        } else if (p.length != 0) {
            r.send.gather(p.from - c.text_base(), p.length, out, tcp_copied);
        }
        const bool again = places != 0 && p.from < c.max;
        if (again) count(tcp_count::retransmits);
        if (!send_segment(r, p, at, std::move(out))) {
            r.starved = true;
            return false;
        }
        if (places == 0) return true;
        if (!recorded) {
            if (again || p.probe) {
                r.rtt.spoil();
            } else {
                r.rtt.begin(p.from + places, ticks_at(at));
            }
        }
        if constexpr (features.sack) {
            if (recorded) record(r, p, old, at);
        }
        r.sent_at = ticks_at(at);
        on_sent(c, p.from, places, p.has(tcp_flag::fin));
        return true;
    }

    // What the card cuts is lost and acknowledged segment by segment.
    void record(slot& r, tcp_plan p, tcp_sent* old, instant at) {
        if (self().segment_pieces() != 0) {
            const tcp_plan all = p;
            p.flags = 0;
            p.length = r.control.mss;
            for (; all.length - (p.from - all.from) > p.length; p.from = p.from + p.length) {
                r.recovery.on_sent(p, nullptr, ticks_at(at), sent_.pool);
            }
            p.length = all.length - (p.from - all.from);
            p.flags = all.flags;
        }
        r.recovery.on_sent(p, old, ticks_at(at), sent_.pool);
    }

    [[gnu::noinline]] void arm(tcp_record& r, tcp_timer_use use, instant at, duration wait) {
        r.use = use;
        if (use == tcp_timer_use::none) return r.cancel();
        on_->timers.arm(r, at + wait);
    }

    Self& self() { return static_cast<Self&>(*this); }

private:
    // Says whether text is held back although nothing is under way.
    bool send_text(slot& r, instant at) {
        tcb& c = r.control;
        const std::uint32_t queued = r.send.octets();
        tcp_plan p;
        if (r.repeat) {
            segment_again(p, c, queued);
            if (p.send && !transmit(r, p, at)) return false;
            r.repeat = false;
        }
        restart_after_idle(r, at);
        if (!send_again(r, at)) return false;
        if constexpr (features.sack) {
            if (r.tail_probe && !probe_tail(r, at)) return false;
        }
        while (true) {
            next_segment(p, c, queued, r.recovery.allowed(c, r.congestion.window), r.no_delay);
            if (!p.send) {
                if (!r.probe) return p.unsent != 0 && c.flight() == 0;
                break;
            }
            r.probe = false;
            if (const std::size_t pieces = self().segment_pieces(); pieces != 0 && may_lengthen(r)) {
                lengthen(p, c, r.send, {r.recovery.allowed(c, r.congestion.window), pieces, records_for(r)});
            }
            if (!transmit(r, p, at)) return false;
        }
        r.probe = false;
        probe_segment(p, c, queued);
        if (!p.send) return false;
        count(tcp_count::probes);
        transmit(r, p, at);
        c.nxt = p.from;  // whatever becomes of it, it is sent again with the rest
        return true;
    }

    // For a card that cuts text into segments: it would repeat the mark of urgent text and CWR in each of them.
    bool may_lengthen(const slot& r) const {
        if constexpr (features.urgent) {
            if (r.marks.own_set) return false;
        }
        if constexpr (features.ecn) {
            if (r.ecn.reduced) return false;
        }
        return true;
    }
    std::size_t records_for(const slot& r) const {
        if constexpr (features.sack) return sent_.pool.spare(r.recovery.sent.empty());
        return ~std::size_t{0};
    }

    // What was lost. False when that has to wait for buffers.
    bool send_again(slot& r, instant at) {
        tcb& c = r.control;
        tcp_plan p;
        if constexpr (features.sack) {
            while (tcp_sent* s = r.recovery.due(r.congestion.window)) {
                segment_at(p, c, r.send.octets(), s->begin, s->places);
                if (!transmit(r, p, at, s)) return false;
            }
        } else if (r.recovery.due) {
            segment_again(p, c, r.send.octets());
            if (p.send && !transmit(r, p, at)) return false;
            r.recovery.due = false;
        }
        return true;
    }

    // RFC 8985 section 7.3: something new where the peer's window lets it, else the last segment again.
    bool probe_tail(slot& r, instant at) {
        tcp_plan p;
        tcp_sent* old = nullptr;
        next_segment(p, r.control, r.send.octets(), ~std::uint32_t{0}, true);
        if (!p.send) {
            old = r.recovery.sent.last();
            if (old == nullptr) {
                r.tail_probe = false;
                return true;
            }
            segment_at(p, r.control, r.send.octets(), old->begin, old->places);
        }
        if (!transmit(r, p, at, old)) return false;
        r.tail_probe = false;
        r.recovery.on_probe_sent(p.from + p.places(), old != nullptr);
        count(tcp_count::tail_probes);
        return true;
    }

    // RFC 5681 section 4.1: what the path can take is unknown again when nothing was sent for longer than a timeout.
    void restart_after_idle(slot& r, instant at) {
        if (r.control.flight() != 0 || r.control.opening() || ticks_at(at) - r.sent_at <= r.rtt.base) return;
        Congestion fresh;
        fresh.start(r.control.mss);
        if (fresh.window < r.congestion.window) r.congestion.window = fresh.window;
    }

    bool send_segment(slot& r, const tcp_plan& p, instant at, outgoing&& out) {
        tcb& c = r.control;
        tcp_segment s;
        std::array<std::byte, 4 * tcp_block_octets> blocks;
        describe(r, p, s);
        out.traffic_class = static_cast<std::uint8_t>(r.service << 2);
        if constexpr (features.timestamps) {
            if (s.options.stamped || c.stamped) {
                s.options.stamped = true;
                s.options.stamp = r.stamps.at(at);
                s.options.echo = r.stamps.recent;
            }
        }
        if constexpr (features.sack) tell_early(r, p, s.options, blocks.data());
        if constexpr (features.ecn) tell_of_congestion(r, p, s, out);
        if (!self().hand_down(std::move(out), r.ends, s)) return false;
        if constexpr (features.timestamps) r.stamps.last_ack = s.acknowledgment;
        if constexpr (features.sack) r.told.twice = {};
        r.ack_now = r.ack_later = false;
        r.unacked = 0;
        return true;
    }

    void describe(slot& r, const tcp_plan& p, tcp_segment& s) {
        tcb& c = r.control;
        s.source_port = r.ends.local_port;
        s.destination_port = r.ends.remote_port;
        s.sequence = p.from;
        if (p.places() == 0) {
            // After a timeout nxt is behind what the peer may have; a probe may stand before its window.
            const seq edge = c.una + c.window;
            s.sequence = c.max > edge ? edge : c.max;
            if (p.question) s.sequence = seq{c.max.value - 1};  // RFC 9293 section 3.8.4
        }
        s.flags = p.flags;
        if (c.state != tcp_state::syn_sent) {
            s.flags |= tcp_flag::ack;
            s.acknowledgment = c.rcv_nxt;
        }
        if constexpr (features.urgent) {
            if (r.marks.own_set && s.sequence < r.marks.own) {
                s.flags |= tcp_flag::urg;
                const std::uint32_t distance = r.marks.own - s.sequence;
                s.urgent = static_cast<std::uint16_t>(distance < 65535 ? distance : 65535);
            }
        }
        const std::uint8_t shift = c.own_shift;
        if (p.has(tcp_flag::syn)) {
            s.options.mss = own_mss_;
            if constexpr (features.ecn) s.flags |= ecn_flags(c);
            offer<features>(c, own_shift, s.options);
            c.own_shift = 0;  // RFC 7323 section 2.2: the window of a SYN is never scaled
        }
        s.window = advertise(c, room(r), window_step());
        c.own_shift = shift;
    }

    // RFC 3168 sections 6.1.2, 6.1.3 and 6.1.5: only text sent for the first time may be marked.
    static void tell_of_congestion(slot& r, const tcp_plan& p, tcp_segment& s, outgoing& out) {
        const tcb& c = r.control;
        if (!c.ecn || c.opening()) return;
        if (r.ecn.echo) s.flags |= tcp_flag::ece;
        if (p.length == 0 || p.from < c.max || p.probe) return;
        out.traffic_class |= 2;
        if (std::exchange(r.ecn.reduced, false)) s.flags |= tcp_flag::cwr;
    }

    // RFC 2018 section 3, as far as the segment has room beside its text.
    void tell_early(slot& r, const tcp_plan& p, tcp_options& o, std::byte* blocks) {
        const tcb& c = r.control;
        const bool twice = r.told.twice.begin != r.told.twice.end;
        if (!c.sack || (!twice && r.receive.early_buffers() == 0)) return;
        const std::uint32_t text_room = p.length < c.mss ? c.mss - p.length : 0;
        if (p.length != 0 && text_room < tcp_sack_octets + tcp_block_octets) return;
        unsigned most = c.stamped ? 3 : 4;
        if (p.length != 0) {
            most = std::min(most, static_cast<unsigned>((text_room - tcp_sack_octets) / tcp_block_octets));
        }
        unsigned n = 0;
        if (twice) {
            store_be(blocks, r.told.twice.begin.value);
            store_be(blocks + 4, r.told.twice.end.value);
            n = 1;
        }
        n += r.receive.early_blocks(blocks + n * tcp_block_octets, most - n, r.told.recent);
        o.blocks = static_cast<std::uint8_t>(n);
        o.sack = blocks;
    }

    // Timers.

    void set_timer(slot& r, bool held_back, instant at) {
        const tcb& c = r.control;
        if (r.use == tcp_timer_use::time_wait) return;
        tcp_timer_use use = tcp_timer_use::none;
        duration wait = duration_of(r.rtt.timeout());
        if (c.flight() != 0) {
            if (r.use == tcp_timer_use::persist) r.rtt.repeats = 0;
            use = tcp_timer_use::retransmit;
            if constexpr (features.sack) {
                const tcp_demand d = r.recovery.demand(c, r.rtt, ticks_at(at));
                if (d.reorder != 0) return arm(r, tcp_timer_use::reorder, at, duration_of(d.reorder));
                // A probe that could not be sent is not waited for again: the timeout is.
                if (d.tail != 0 && duration_of(d.tail) < wait && r.rtt.repeats == 0 && !r.tail_probe) {
                    use = tcp_timer_use::tail;
                    wait = duration_of(d.tail);
                }
            }
        } else if (held_back) {
            use = tcp_timer_use::persist;
        } else if (c.state == tcp_state::fin_wait_2 && r.orphan()) {
            use = tcp_timer_use::fin_wait;
            wait = std::chrono::milliseconds(std::uint32_t{Limits.fin_wait_ms});
        } else if (features.keep_alive && r.keep_alive && c.state >= tcp_state::established) {
            use = tcp_timer_use::keep_alive;
            wait = std::chrono::milliseconds(
                std::uint32_t{r.silent == 0 ? Limits.keep_alive_ms : Limits.keep_alive_interval_ms});
        }
        if (use == r.use && r.armed()) return;
        arm(r, use, at, wait);
    }

    void on_timer(slot& r) {
        switch (std::exchange(r.use, tcp_timer_use::none)) {
            case tcp_timer_use::none: return;
            case tcp_timer_use::retransmit: return on_timeout(r);
            case tcp_timer_use::reorder:
                if constexpr (features.sack) {
                    const instant at = self().now();
                    if (r.recovery.on_reorder_timer(r.congestion, r.control, path(r, at), r.rtt)) {
                        count(tcp_count::fast_retransmits);
                    }
                }
                return schedule(r);
            case tcp_timer_use::tail: r.tail_probe = true; return schedule(r);
            case tcp_timer_use::persist:
                // For ever as long as the peer answers (MUST-36), but not when nobody here cares any more.
                if (++r.silent > r.retries) return give_up(r);
                if (r.orphan() && r.rtt.repeats >= r.retries) return give_up(r);
                if (r.rtt.repeats < 255) ++r.rtt.repeats;
                r.probe = true;
                return schedule(r);
            case tcp_timer_use::keep_alive:
                if constexpr (features.keep_alive) {
                    if (r.silent >= Limits.keep_alive_probes) return give_up(r);
                    ++r.silent;
                    r.question = true;
                    count(tcp_count::keep_alives);
                    schedule(r);
                }
                return;
            case tcp_timer_use::fin_wait:
            case tcp_timer_use::time_wait: return close(r, error::closed);
        }
    }

    // Timeouts in a row after which the way to the peer is in doubt (RFC 9293 SHLD-10).
    static constexpr unsigned r1 = 3;

    void on_timeout(slot& r) {
        tcb& c = r.control;
        const bool opening = c.state < tcp_state::established;
        const unsigned to_open = c.passive ? Limits.accept_retries : Limits.connect_retries;
        const unsigned most = opening ? to_open : r.retries;
        const bool shut_out = c.window == 0 && !opening && !r.orphan();
        if (shut_out) {
            // As with a closed window's probes: a peer that took its window back may do so for ever, as long as it
            // answers (MUST-35, MUST-37). Some tries are left for when it opens.
            if (++r.silent > most) return give_up(r);
            if (r.rtt.repeats + 3U > most) r.rtt.repeats = static_cast<std::uint8_t>(most > 3 ? most - 3 : 0);
        }
        if (r.rtt.repeats >= most) return give_up(r);
        const bool again = r.rtt.repeats++ != 0;
        if (r.rtt.repeats == r1) self().doubt(r.ends);
        count(tcp_count::timeouts);
        r.rtt.spoil();
        if (!opening) r.congestion.timed_out(path(r, self().now()), again);
        if constexpr (features.ecn) r.ecn.reduced = true;
        if constexpr (features.sack) {
            // Anew from una, which is then the closed window's business.
            if (shut_out) {
                r.recovery.start_over(c, sent_.pool);
                return schedule(r);
            }
        }
        if constexpr (features.sack) r.tail_probe = false;
        r.recovery.timed_out(c);
        schedule(r);
    }

    void give_up(slot& r) {
        count(tcp_count::given_up);
        close(r, error::timed_out);
    }

protected:
    struct sent_memory {
        sent_memory() : pool(records, Limits.connections) {}
        std::array<tcp_sent, std::size_t{Limits.connections} + Limits.segments> records{};
        tcp_sent_pool pool;
    };
    [[no_unique_address]] detail::when<features.sack, sent_memory, 3> sent_;
};

}  // namespace uk::net
