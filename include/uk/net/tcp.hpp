// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/checksum.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/tcp_socket.hpp>
#include <uk/part.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace uk::net {

namespace detail {

template <tcp_limits Limits>
inline constexpr tcp_limits limits_of = Limits;

}  // namespace detail

/// The transmission control protocol (RFC 9293). `os[port::stream].listen(80)` yields result<tcp_listener>; `co_await
/// os[port::stream].connect(address, port)` yields result<tcp_connection>; see tcp_socket.hpp. Obeyed: 9293, 5681,
/// 6582, 6298, 3042, 5961, 6528, 6056, 1337, 2525. Not yet: window scale and timestamps (7323), SACK (2018), path MTU
/// (1191), keep-alive (MUST-24: off), ICMP errors (MUST-54), the urgent mark (text comes in line).
template <tcp_limits Limits = {}, class Congestion = new_reno>
struct tcp {
    using needs = ports<port::ip, port::tasks, port::packets, port::entropy, port::clock>;
    using provides = ports<port::stream>;
    static constexpr std::string_view name = "net::tcp";

    static_assert(Limits.connections > 0 && Limits.connections < 65'535, "net::tcp: connections must be 1 to 65534.");
    static_assert(Limits.listeners < 255 && Limits.backlog > 0, "net::tcp: listeners at most 254, backlog at least 1.");
    static_assert(Limits.receive_window >= 1460 && Limits.receive_window <= 65'535,
                  "net::tcp: receive_window must be 1460 to 65535.");
    static_assert(Limits.receive_buffers > 0 && Limits.send_buffers > 0, "net::tcp: buffers must be at least 1.");
    static_assert(Limits.ack_delay_ms < 500, "net::tcp: ack_delay_ms must be below 500 (RFC 9293 MUST-40).");

    template <class Stack>
    class in : tcp_core {
    public:
        static constexpr std::uint8_t ip_protocol = protocol_tcp;

        explicit in(Stack& os)
            : tcp_core(detail::limits_of<Limits>, os.scheduler(), os[port::packets].store(), buckets_of_,
                       listeners_of_),
              os_(os) {
            for (slot& s : slots_) adopt(s);
            fire_ = [](tcp_core& core, tcp_record& r) { static_cast<in&>(core).on_timer(r); };
            std::array<std::byte, 16> secret;
            keyed_ = os[port::entropy].fill(secret);
            key_ = {load_be<std::uint64_t>(secret.data()), load_be<std::uint64_t>(secret.data() + 8)};
        }

        /// Accepts connections to `port`, 1 to 65535. Fails with `in_use`, `too_large` when all listeners are taken, or
        /// `no_entropy`: without randomness a connection could be forged.
        result<tcp_listener> listen(std::uint16_t port) {
            if (!keyed_) return fail(error::no_entropy);
            const auto index = tcp_core::listen(port);
            if (!index) return fail(index.error());
            return tcp_listener(*this, *index);
        }

        /// Opens a connection: `co_await` yields result<tcp_connection>. Fails with `refused`, `timed_out` (after
        /// minutes: use uk::within), `unreachable`, `too_large` when the table is full, or `no_entropy`.
        tcp_connecting connect(ip4_address to, std::uint16_t port) {
            if (!keyed_) return tcp_connecting(error::no_entropy);
            if (port == 0) return tcp_connecting(error::invalid);
            tcp_ends e{os_[port::ip].address(), to, 0, port};
            const bool reachable = !e.local.is_unspecified() && to.is_unicast() && to != e.local;
            if (!reachable) return tcp_connecting(error::unreachable);
            if (!choose_port(e)) return tcp_connecting(error::in_use);
            tcp_record* r = open(e, own_mss(), now());
            if (r == nullptr) return tcp_connecting(error::too_large);
            r->owned = true;
            r->control.state = tcp_state::syn_sent;
            schedule(*r);
            return tcp_connecting(reference(*r));
        }

        /// A segment from net::ipv4.
        [[gnu::noinline]] void receive_datagram(packet&& p, const ipv4_datagram& d) {
            count(tcp_count::segments_in);
            if (d.group || !d.source.is_unicast() || d.source == d.destination) {  // MUST-57, MUST-63
                count(tcp_count::not_unicast);
                return;
            }
            tcp_segment s;
            if (!parse_tcp(p.contents(), s)) {
                count(tcp_count::bad_header);
                return;
            }
            if (pseudo_header(d.source, d.destination, ip_protocol, p.size()).add(p.contents()).value() != 0) {
                count(tcp_count::bad_checksum);  // MUST-3
                return;
            }
            const tcp_ends e{d.destination, d.source, s.destination_port, s.source_port};
            tcp_record* r = find(e);
            if (r != nullptr && may_reopen(*r, s)) {
                close(*r, error::closed);
                r = nullptr;
            }
            if (r == nullptr) {
                on_stranger(e, s);
            } else if (!r->reset) {
                on_known(*r, s, std::move(p), now());
            }
        }

        /// Sends all that this turn of the loop has led to.
        [[gnu::noinline]] void flush() {
            if (pending_.empty()) return;
            const instant at = now();
            list<tcp_node> due;
            due.take_all(pending_);
            while (!due.empty()) output(static_cast<tcp_record&>(due.pop_front()), at);
        }

        using tcp_core::counter;
        using tcp_core::counters;
        using tcp_core::in_use;

    private:
        struct slot : tcp_record {
            Congestion congestion;
        };

        // The scheduler's time is that of the turn's start, before the halt that the segment ended.
        instant now() const { return os_[port::clock].now(); }
        static Congestion& congestion(tcp_record& r) { return static_cast<slot&>(r).congestion; }

        std::uint16_t own_mss() {
            const std::size_t most = packets_.capacity() - packet_headroom;
            const std::size_t mss = os_[port::ip].mtu() - tcp_header_octets;
            own_mss_ = static_cast<std::uint16_t>(mss < most ? mss : most);
            return own_mss_;
        }

        // RFC 6056 section 3.3.3: a keyed place for each peer, and steps from there.
        bool choose_port(tcp_ends& e) {
            constexpr std::uint32_t first = 49'152;
            constexpr std::uint32_t number = 65'536 - first;
            const auto start = static_cast<std::uint32_t>(hash(e) >> 40);
            for (std::uint32_t i = 0; i < number; ++i) {
                e.local_port = static_cast<std::uint16_t>(first + (start + next_port_++) % number);
                if (find(e) == nullptr && listener_of(e.local_port) == nullptr) return true;
            }
            return false;
        }

        // RFC 9293 section 3.10.7.4 (TIME-WAIT) and RFC 1122 section 4.2.2.13: a SYN beyond the old sequence.
        static bool may_reopen(const tcp_record& r, const tcp_segment& s) {
            return r.control.state == tcp_state::time_wait && r.orphan() && s.has(tcp_flag::syn) &&
                   !s.has(tcp_flag::ack | tcp_flag::rst | tcp_flag::fin) && s.sequence > r.control.rcv_nxt;
        }

        void on_stranger(const tcp_ends& e, tcp_segment& s) {
            if (s.has(tcp_flag::rst)) return count(tcp_count::bad_reset);
            tcp_listening* l = listener_of(e.local_port);
            if (l == nullptr) {
                count(tcp_count::no_listener);
                return refuse(e, s);
            }
            if (s.has(tcp_flag::ack)) {
                count(tcp_count::bad_ack);
                return refuse(e, s);
            }
            if (!s.has(tcp_flag::syn) || s.has(tcp_flag::fin)) return count(tcp_count::not_syn);
            if (l->waiting >= Limits.backlog) return count(tcp_count::backlog_full);
            tcp_record* r = open(e, own_mss(), now());
            if (r == nullptr) return count(tcp_count::table_full);
            r->owned = false;
            r->listener = static_cast<std::uint8_t>(l - listeners_.data());
            ++l->waiting;
            l->opening.push_back(*r);
            r->control.state = tcp_state::listen;
            tcp_reaction ignored;
            on_segment(r->control, s, ignored);
            schedule(*r);
        }

        void refuse(const tcp_ends& e, const tcp_segment& s) {
            outgoing out{.head = packets_.take()};
            if (!out.head) return;
            count(tcp_count::resets_out);
            hand_down(std::move(out), e, reset_for(s));
        }

        // Puts the header before the text, and the checksum into it (MUST-2). False when it cannot leave for want of
        // buffers.
        [[gnu::noinline]] bool hand_down(outgoing&& out, const tcp_ends& e, const tcp_segment& s) {
            const writable_bytes header = out.head.push_front(header_octets(s));
            emit(s, header.data());
            checksum sum = pseudo_header(e.local, e.remote, ip_protocol, out.size());
            store_be(header.data() + tcp_checksum_offset, sum.add(out.head.contents()).add(out.body).value());
            count(tcp_count::segments_out);
            const auto sent = os_[port::ip].send(e.remote, ip_protocol, std::move(out));
            if (!sent) count(tcp_count::send_failed);
            return sent || sent.error() != error::no_buffers;
        }

        [[gnu::noinline]] void on_known(tcp_record& r, tcp_segment& s, packet&& p, instant at) {
            tcb& c = r.control;
            const tcp_path path{c.mss, c.flight()};
            const bool opening = c.opening() && !c.passive;
            tcp_reaction a;
            on_segment(c, s, a);
            r.silent = 0;
            count_drop(a.drop);
            if (a.aborted) return close(r, opening ? error::refused : error::reset);
            if (a.reset) refuse(r.ends, s);
            if (a.repeat) r.repeat = true;
            if (a.opened) on_opened(r);
            if (a.advanced) on_progress(r, a, path, at);
            if (a.duplicate && r.recovery.duplicate(congestion(r), path, c.una, c.max)) {
                count(tcp_count::fast_retransmits);
                r.repeat = true;
            }
            if (a.finished) return close(r, error::closed);
            if (c.state >= tcp_state::established) on_content(r, a, s, std::move(p));
            if (a.ack) r.ack_now = true;
            if (a.challenge) challenge(r, at);
            if (a.waits) {
                arm(r, tcp_timer_use::time_wait, at, ticks_of_ms(Limits.time_wait_ms));
            }
            schedule(r);
        }

        void on_opened(tcp_record& r) {
            // RFC 6298 section 5.7.
            if (r.rtt.repeats != 0) r.rtt.base = tcp_rtt::after_lost_syn;
            congestion(r) = {};
            congestion(r).start(r.control.mss);
            hand_over(r);
        }

        void on_progress(tcp_record& r, const tcp_reaction& a, const tcp_path& path, instant at) {
            r.rtt.progress(r.control.una, ticks_at(at));
            r.send.drop(a.acked);
            r.cancel();
            r.use = tcp_timer_use::none;
            if (!a.opened && r.recovery.progress(congestion(r), path, r.control.una, a.acked)) r.repeat = true;
            wake_writer(r);
        }

        // What is queued, and when it is acknowledged (RFC 5681 section 4.2, RFC 9293 section 3.8.6.3).
        void on_content(tcp_record& r, tcp_reaction& a, const tcp_segment& s, packet&& p) {
            std::uint32_t grown = 0;
            if (a.take != 0) {
                if (r.orphan()) return abort(r);  // RFC 1122 section 4.2.2.13
                p.pop_front(s.header + a.skip);
                p.truncate(a.take);
                const bool gap = r.receive.early_buffers() != 0;
                if (a.at == r.control.rcv_nxt) {
                    grown = keep(r, std::move(p));
                    r.ack_now |= gap || grown == 0 || ++r.unacked >= 2;
                    r.ack_later = true;
                } else {
                    count(tcp_count::early);
                    if (may_keep(r, false)) r.receive.insert(std::move(p), a.at);
                    if (r.acks_owed < 255) ++r.acks_owed;
                }
            }
            on_text(r.control, grown, a);
            if (grown != 0 || a.ended) wake_reader(r);
        }

        void challenge(tcp_record& r, instant at) {
            const tcp_ticks now_ticks = ticks_at(at);
            if (r.challenged && now_ticks - r.challenged_at < ticks_of_ms(500)) return;
            r.challenged = true;
            r.challenged_at = now_ticks;
            r.ack_now = true;
            count(tcp_count::challenge_acks);
        }

        void count_drop(tcp_drop why) {
            constexpr auto first = static_cast<std::uint8_t>(tcp_count::out_of_window);
            if (why != tcp_drop::none) count(tcp_count(first + static_cast<std::uint8_t>(why) - 1));
        }

        // Output.

        [[gnu::noinline]] void output(tcp_record& r, instant at) {
            tcb& c = r.control;
            if (r.reset) {
                count(tcp_count::resets_out);
                transmit(r, {.flags = tcp_flag::rst}, at);
                return close(r, r.outcome);
            }
            if (c.state == tcp_state::closed) return;
            const bool waits = std::exchange(r.starved, false);
            const bool held_back = send_text(r, at);
            if (r.acks_owed == 0 && r.ack_now) r.acks_owed = 1;
            for (; r.acks_owed != 0 && !r.starved; --r.acks_owed) transmit(r, {}, at);
            if (r.starved) r.ack_now = r.ack_now || r.ack_later;
            set_timer(r, held_back, at);
            if (r.starved || waits || r.ack_later) {
                schedule_later(r);
            } else if (c.state == tcp_state::time_wait && r.orphan()) {
                waiting_.push_back(r);
            }
        }

        // Says whether text is held back although nothing is under way.
        bool send_text(tcp_record& r, instant at) {
            tcb& c = r.control;
            tcp_plan p;
            if (r.repeat) {
                segment_again(p, c, r.send.octets());
                if (p.send && !transmit(r, p, at)) return false;
                r.repeat = false;
            }
            while (true) {
                const std::uint32_t allowed = congestion(r).window + r.recovery.extra;
                next_segment(p, c, r.send.octets(), allowed, r.no_delay);
                if (!p.send) {
                    if (!r.probe) return p.unsent != 0 && c.flight() == 0;
                    break;
                }
                r.probe = false;
                if (!transmit(r, p, at)) return false;
            }
            r.probe = false;
            probe_segment(p, c, r.send.octets());
            if (!p.send) return false;
            count(tcp_count::probes);
            transmit(r, p, at);
            c.nxt = p.from;  // whatever becomes of it, it is sent again with the rest
            return true;
        }

        // One segment; without text or flags an acknowledgment. False when it has to wait for buffers.
        [[gnu::noinline]] bool transmit(tcp_record& r, const tcp_plan& p, instant at) {
            // Text leaves a little for reception, which alone can set buffers free again.
            const std::size_t least = p.length != 0 ? std::size_t{Limits.reserve} / 4 : 0;
            outgoing out{};
            if (packets_.available() > least) out.head = packets_.take();
            if (!out.head) {
                r.starved = true;
                return false;
            }
            tcb& c = r.control;
            const std::uint32_t places = p.places();
            if (p.length != 0) r.send.gather(p.from - c.text_base(), p.length, out, 512);
            const bool again = places != 0 && p.from < c.max;
            if (again) count(tcp_count::retransmits);
            if (!hand_down(std::move(out), r.ends, describe_segment(r, p))) {
                r.starved = true;
                return false;
            }
            r.ack_now = r.ack_later = false;
            r.unacked = 0;
            if (places == 0) return true;
            if (again) {
                r.rtt.spoil();
            } else {
                r.rtt.begin(p.from + places, ticks_at(at));
            }
            on_sent(c, p.from, places, p.has(tcp_flag::fin));
            return true;
        }

        tcp_segment describe_segment(tcp_record& r, const tcp_plan& p) {
            tcb& c = r.control;
            tcp_segment s;
            s.source_port = r.ends.local_port;
            s.destination_port = r.ends.remote_port;
            s.sequence = p.from;
            if (p.places() == 0) {
                // After a timeout nxt is behind what the peer may have; a probe may stand before its window.
                const seq edge = c.una + c.window;
                s.sequence = c.max > edge ? edge : c.max;
            }
            s.flags = p.flags;
            if (c.state != tcp_state::syn_sent) {
                s.flags |= tcp_flag::ack;
                s.acknowledgment = c.rcv_nxt;
            }
            s.window = advertise(c, room(r), window_step());
            if (p.has(tcp_flag::syn)) s.options.mss = own_mss_;
            return s;
        }

        void set_timer(tcp_record& r, bool held_back, instant at) {
            const tcb& c = r.control;
            if (r.use == tcp_timer_use::time_wait) return;
            tcp_timer_use use = tcp_timer_use::none;
            tcp_ticks wait = r.rtt.timeout();
            if (c.flight() != 0) {
                if (r.use == tcp_timer_use::persist) r.rtt.repeats = 0;
                use = tcp_timer_use::retransmit;
            } else if (held_back) {
                use = tcp_timer_use::persist;
            } else if (c.state == tcp_state::fin_wait_2 && r.orphan()) {
                use = tcp_timer_use::fin_wait;
                wait = ticks_of_ms(Limits.fin_wait_ms);
            }
            if (use == r.use && r.armed()) return;
            arm(r, use, at, wait);
        }

        [[gnu::noinline]] void arm(tcp_record& r, tcp_timer_use use, instant at, tcp_ticks wait) {
            r.use = use;
            if (use == tcp_timer_use::none) return r.cancel();
            on_.timers.arm(r, at + duration_of(wait));
        }

        void on_timer(tcp_record& r) {
            switch (std::exchange(r.use, tcp_timer_use::none)) {
                case tcp_timer_use::none: return;
                case tcp_timer_use::retransmit: return on_timeout(r);
                case tcp_timer_use::persist:
                    // For ever as long as the peer answers (MUST-36), but not when nobody here cares any more.
                    if (++r.silent > Limits.retries) return give_up(r);
                    if (r.orphan() && r.rtt.repeats >= Limits.retries) return give_up(r);
                    if (r.rtt.repeats < 255) ++r.rtt.repeats;
                    r.probe = true;
                    return schedule(r);
                case tcp_timer_use::fin_wait:
                case tcp_timer_use::time_wait: return close(r, error::closed);
            }
        }

        void on_timeout(tcp_record& r) {
            tcb& c = r.control;
            const bool opening = c.state < tcp_state::established;
            const unsigned to_open = c.passive ? Limits.accept_retries : Limits.connect_retries;
            const unsigned most = opening ? to_open : Limits.retries;
            if (r.rtt.repeats >= most) return give_up(r);
            const bool again = r.rtt.repeats++ != 0;
            count(tcp_count::timeouts);
            r.rtt.spoil();
            if (!opening) {
                congestion(r).timed_out({c.mss, c.flight()}, again);
                r.recovery.timed_out(c.max);
            }
            c.nxt = c.una;
            schedule(r);
        }

        void give_up(tcp_record& r) {
            count(tcp_count::given_up);
            close(r, error::timed_out);
        }

        Stack& os_;
        std::uint32_t next_port_ = 0;
        bool keyed_ = false;
        std::array<tcp_listening, Limits.listeners> listeners_of_;
        std::array<tcp_record*, std::bit_ceil(std::size_t{Limits.connections})> buckets_of_{};
        std::array<slot, Limits.connections> slots_;
    };
};

}  // namespace uk::net
