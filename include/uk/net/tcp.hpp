// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/checksum.hpp>
#include <uk/net/icmp_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/offload.hpp>
#include <uk/net/tcp_cookie.hpp>
#include <uk/net/tcp_sender.hpp>
#include <uk/net/tcp_socket.hpp>
#include <uk/part.hpp>
#include <uk/stack_link.hpp>
#include <uk/zeroed.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace uk::net {

namespace detail {

template <tcp_limits Limits>
inline constexpr tcp_limits limits_of = Limits;

}  // namespace detail

/// The transmission control protocol (RFC 9293). `os[port::stream].listen(80)` yields result<tcp_listener>; `co_await
/// os[port::stream].connect(address, port)` yields result<tcp_connection>; see tcp_socket.hpp. Obeyed: 9293, 5681,
/// 6582, 6298, 3042, 5961, 6528, 6056, 1337, 2525, and with their features 7323, 2018, 2883, 8985, 4987. docs/tcp.md
/// has RFC 9293's list clause by clause.
template <tcp_limits Limits = {}, class Congestion = new_reno>
struct tcp {
    using needs = ports<port::ip, port::tasks, port::packets, port::entropy, port::clock>;
    using provides = ports<port::stream>;
    static constexpr std::string_view name = "net::tcp";

    static_assert(Limits.connections > 0 && Limits.connections < 65'535, "net::tcp: connections must be 1 to 65534.");
    static_assert(Limits.listeners < 255 && Limits.backlog > 0, "net::tcp: listeners at most 254, backlog at least 1.");
    static_assert(Limits.receive_window >= 1460, "net::tcp: receive_window must be at least 1460.");
    static_assert(Limits.receive_window <= (Limits.features.window_scale ? (1U << 30) - 1 : 65'535U),
                  "net::tcp: receive_window must be at most 65535, or 2^30 - 1 with features.window_scale.");
    static_assert(Limits.receive_buffers > 0 && Limits.send_buffers > 0, "net::tcp: buffers must be at least 1.");
    static_assert(Limits.ack_delay_ms < 500, "net::tcp: ack_delay_ms must be below 500 (RFC 9293 MUST-40).");

    template <class Stack>
    class in : tcp_sender<in<Stack>, detail::limits_of<Limits>, Congestion> {
        using base = tcp_sender<in<Stack>, detail::limits_of<Limits>, Congestion>;
        friend base;

    public:
        static constexpr std::uint8_t ip_protocol = protocol_tcp;

        explicit in(Stack& os) : base(os.scheduler(), os[port::packets].store()), os_(os) {
            base::buckets_ = *buckets_of_;
            listeners_ = *listeners_of_;
            for (tcp_place<slot>& p : slots_) {
                base::renew(p.slot, 0);
                adopt(p.slot);
            }
            keyed_ = os[port::entropy].fill(std::as_writable_bytes(std::span(&key_, 1)));
        }

        /// Accepts connections to `port`, 1 to 65535. Fails with `in_use`, `too_large` when all listeners are taken, or
        /// `no_entropy`: without randomness a connection could be forged.
        result<tcp_listener> listen(std::uint16_t port) {
            if (!keyed_) return fail(error::no_entropy);
            const auto place = base::listen(port);
            if (!place) return fail(place.error());
            tcp_core& core = *this;
            return result<tcp_listener>(std::in_place, core, *place);
        }

        /// Opens a connection: `co_await` yields result<tcp_connection>. Fails with `refused`, `timed_out` (after
        /// minutes: use uk::within), `unreachable`, `too_large` when the table is full, or `no_entropy`.
        tcp_connecting connect(ip4_address to, std::uint16_t port) {
            if (!keyed_) return tcp_connecting(error::no_entropy);
            if (port == 0) return tcp_connecting(error::invalid);
            tcp_ends e{os_[port::ip].address(), to, 0, port};
            bool reachable = !e.local.is_unspecified() && to.is_unicast() && to != e.local;  // MUST-46
            if constexpr (requires { os_[port::ip].network(); }) {
                reachable = reachable && to != os_[port::ip].network().broadcast();
            }
            if (!reachable) return tcp_connecting(error::unreachable);
            if (!choose_port(e)) return tcp_connecting(error::in_use);
            tcp_record* r = create(e, own_mss(), now());
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
            if (!parse_tcp<features>(p.contents(), s)) {
                count(tcp_count::bad_header);
                return;
            }
            const bool vouched = sum_holds(os_[port::ip], p, tcp_checksum_offset);
            forget_sum(os_[port::ip], p);
            if (!vouched &&
                pseudo_header(d.source, d.destination, ip_protocol, p.size()).add(p.contents()).value() != 0) {
                count(tcp_count::bad_checksum);  // MUST-3
                return;
            }
            if constexpr (features.ecn) {
                s.marked = d.original.size() > 1 && (d.original[1] & std::byte{3}) == std::byte{3};
            }
            const tcp_ends e{d.destination, d.source, s.destination_port, s.source_port};
            tcp_record* r = find(e);
            if (r != nullptr && may_reopen(*r, s)) {
                close(*r, error::closed);
                r = nullptr;
            }
            if (r == nullptr) {
                on_stranger(e, s, std::move(p));
            } else if (!r->reset) {
                on_known(of(*r), s, std::move(p), now());
            }
        }

        /// What the network says about a segment, from net::icmp (MUST-54). Believed only about octets that are under
        /// way (RFC 5927 section 4.1). A connection that is established is never ended by it (MUST-56, RFC 5927
        /// section 5.2).
        void receive_error(const icmp_error& e)
            requires(Limits.features.errors)
        {
            tcp_record* r = find({e.source, e.destination, load_be<std::uint16_t>(e.quoted.data()),
                                  load_be<std::uint16_t>(e.quoted.data() + 2)});
            const seq at{load_be<std::uint32_t>(e.quoted.data() + 4)};
            if (r == nullptr || at < r->control.una || at >= r->control.max) return;
            count(tcp_count::path_errors);
            const bool unreachable = e.type == icmp_type::unreachable;
            if (unreachable && e.code == static_cast<std::uint8_t>(icmp_unreachable::fragmentation_needed)) {
                return on_narrow_path(of(*r), e.mtu);
            }
            r->unreachable = true;  // MUST-47
            if (unreachable && r->control.state == tcp_state::syn_sent &&
                (e.code == static_cast<std::uint8_t>(icmp_unreachable::protocol) ||
                 e.code == static_cast<std::uint8_t>(icmp_unreachable::port))) {
                close(*r, error::refused);
            }
        }

        /// Sends all that this turn of the loop has led to.
        [[gnu::noinline]] void flush() {
            if (pending_.empty()) return;
            const instant at = now();
            list<tcp_node> due;
            due.take_all(pending_);
            while (!due.empty()) output(static_cast<slot&>(due.pop_front()), at);
        }

        using base::counter;
        counter_list counters() const {
            if constexpr (Limits.features == tcp_minimal) {
                return base::template counters<tcp_core_count_names>();
            } else {
                return base::template counters<tcp_count_names>();
            }
        }
        using base::in_use;

    private:
        // Names of a base that depends on the stack.
        using base::abort, base::adopt, base::arm, base::close, base::count, base::create, base::features, base::find;
        using base::hand_over, base::hash, base::keep, base::key_, base::listener_of, base::listeners_;
        using base::may_keep, base::of, base::on_, base::output, base::own_mss_, base::packets_, base::pending_,
            base::reference;
        using base::schedule, base::transmit, base::wake_one, base::wake_reader, base::wake_writer;
        using typename base::slot;

        // The scheduler's time is that of the turn's start, before the halt that the segment ended.
        instant now() const { return os_[port::clock].now(); }

        std::uint16_t own_mss() {
            const std::size_t most = packets_->capacity() - packet_headroom;
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

        // RFC 9293 section 3.10.7.4 (TIME-WAIT) and RFC 1122 section 4.2.2.13: a SYN beyond the old sequence, or of
        // later time.
        static bool may_reopen(tcp_record& r, const tcp_segment& s) {
            const bool asks = r.control.state == tcp_state::time_wait && r.orphan() && s.has(tcp_flag::syn) &&
                              !s.has(tcp_flag::ack | tcp_flag::rst | tcp_flag::fin);
            if constexpr (features.timestamps) {
                // RFC 6191 section 2.
                const tcp_stamps& t = of(r).stamps;
                if (asks && r.control.stamped && s.options.stamped && t.recent != s.options.stamp) {
                    return static_cast<std::int32_t>(s.options.stamp - t.recent) > 0;
                }
            }
            return asks && s.sequence > r.control.rcv_nxt;
        }

        void on_stranger(const tcp_ends& e, tcp_segment& s, packet&& p) {
            if (s.has(tcp_flag::rst)) return count(tcp_count::bad_reset);
            tcp_listening* l = listener_of(e.local_port);
            if (l == nullptr) {
                count(tcp_count::no_listener);
                return refuse(e, s);
            }
            if (s.has(tcp_flag::ack)) {
                if constexpr (features.cookies) {
                    if (!s.has(tcp_flag::syn) && on_cookie(*l, e, s, std::move(p))) return;
                }
                count(tcp_count::bad_ack);
                return refuse(e, s);
            }
            if (!s.has(tcp_flag::syn) || s.has(tcp_flag::fin)) return count(tcp_count::not_syn);
            if (l->waiting >= Limits.backlog) {
                count(tcp_count::backlog_full);
                return send_cookie(e, s);
            }
            tcp_record* r = create(e, own_mss(), now());
            if (r == nullptr) {
                count(tcp_count::table_full);
                return send_cookie(e, s);
            }
            join(*l, *r);
            r->control.state = tcp_state::listen;
            tcp_reaction ignored;
            on_segment(r->control, s, ignored);
            on_peers_syn(of(*r), s, now());
            schedule(*r);
        }

        // A connection that is being opened.
        void join(tcp_listening& l, tcp_record& r) {
            r.listener = &l;
            ++l.waiting;
            l.opening.push_back(r);
        }

        // Answers a SYN that finds no room, without remembering it.
        void send_cookie(const tcp_ends& e, const tcp_segment& syn) {
            if constexpr (features.cookies) {
                outgoing out = packets_->take_outgoing();
                if (!out.head) return;
                cookie_sent_ = now();
                const std::uint16_t theirs = syn.options.mss != 0 ? syn.options.mss : 536;
                tcp_segment s;
                s.source_port = e.local_port;
                s.destination_port = e.remote_port;
                s.sequence = tcp_cookie::make(key_, e, syn.sequence, cookie_sent_, std::min(theirs, own_mss()));
                s.acknowledgment = syn.sequence + 1;
                s.flags = tcp_flag::syn | tcp_flag::ack;
                s.window = std::min(std::uint32_t{Limits.receive_window}, std::uint32_t{65535});
                s.options.mss = own_mss_;
                count(tcp_count::cookies_out);
                hand_down(std::move(out), e, s);
            }
        }

        // An acknowledgment of nothing that we remember: perhaps of a cookie. The oldest opening makes room for it.
        bool on_cookie(tcp_listening& l, const tcp_ends& e, tcp_segment& s, packet&& p) {
            const instant at = now();
            if (cookie_sent_.ns == 0 || at - cookie_sent_ > std::chrono::minutes(3)) return false;
            const seq ours{s.acknowledgment.value - 1};
            const std::uint16_t mss = tcp_cookie::check(key_, e, seq{s.sequence.value - 1}, at, ours);
            if (mss == 0) return false;
            tcp_record* r = l.waiting < Limits.backlog ? create(e, own_mss(), at) : nullptr;
            if (r == nullptr) {
                if (l.opening.empty()) return true;  // the queue is full of what waits to be accepted
                close(static_cast<tcp_record&>(l.opening.front()), error::closed);
                r = create(e, own_mss(), at);
                if (r == nullptr) return true;
            }
            count(tcp_count::cookies_in);
            join(l, *r);
            tcb& c = r->control;
            c.state = tcp_state::syn_received;
            c.passive = true;
            c.iss = c.una = ours;
            of(*r).recovery.begin(ours);
            c.nxt = c.max = ours + 1;
            c.rcv_nxt = s.sequence;
            c.wl1 = seq{s.sequence.value - 1};
            c.rcv_edge = c.rcv_nxt + std::min(std::uint32_t{Limits.receive_window}, std::uint32_t{65535});
            c.window = c.window_max = s.window;
            c.mss = std::min(mss, own_mss_);
            on_known(of(*r), s, std::move(p), at);
            return true;
        }

        // The SYN of a peer was taken.
        void on_peers_syn(slot& r, const tcp_segment& s, instant at) {
            agree<features>(r.control, base::own_shift, s.options);
            if constexpr (features.ecn) {
                r.control.ecn = agrees_on_ecn(s);
                r.ecn.until = r.control.una;
            }
            if constexpr (features.timestamps) {
                if (r.control.stamped) r.stamps.take(s, r.stamps.at(at));
            }
        }

        // RFC 1191 section 6.3: what was too large goes again in smaller segments. A router that does not tell its MTU
        // gets three quarters of what we sent; less than 512 octets of text are nobody's MTU, but an attack.
        void on_narrow_path(slot& r, std::uint16_t mtu) {
            tcb& c = r.control;
            const std::uint32_t headers = 40 + (c.stamped ? tcp_stamp_octets : 0);
            const std::uint32_t told = mtu > headers ? mtu - headers : 0;
            const std::uint32_t mss = std::max<std::uint32_t>(mtu == 0 ? c.mss - c.mss / 4U : told, 512);
            if (mss >= c.mss) return;
            c.mss = static_cast<std::uint16_t>(mss);
            if (c.opening()) return;
            if constexpr (features.sack) {
                r.recovery.start_over(c, base::sent_.pool);
            } else {
                r.recovery.timed_out(c);
            }
            schedule(r);
        }

        std::size_t segment_pieces() const { return net::segment_pieces(os_[port::ip]); }

        // At R1 the internet layer is told that the way may not be one any more (MUST-20).
        void doubt(const tcp_ends& e) {
            if constexpr (requires { os_[port::ip].doubt(e.remote); }) os_[port::ip].doubt(e.remote);
        }

        void refuse(const tcp_ends& e, const tcp_segment& s) {
            outgoing out = packets_->take_outgoing();
            if (!out.head) return;
            count(tcp_count::resets_out);
            hand_down(std::move(out), e, reset_for(s));
        }

        // Puts the header before the text, and the checksum into it (MUST-2). False when it cannot leave for want of
        // buffers. A connection whose address is not ours any more falls silent (MUST-45) and ends by its timeouts.
        [[gnu::noinline]] bool hand_down(outgoing&& out, const tcp_ends& e, const tcp_segment& s) {
            if (e.local != os_[port::ip].address()) {
                count(tcp_count::send_failed);
                return true;
            }
            const writable_bytes header = out.head.push_front(header_octets<features>(s));
            emit<features>(s, header.data());
            const std::size_t octets = out.size() + piece_octets(os_[port::ip], out);
            checksum sum = pseudo_header(e.local, e.remote, ip_protocol, octets);
            if (leaves_checksums(os_[port::ip])) {
                leave_sum(out, tcp_checksum_offset, sum);
            } else {
                store_be(header.data() + tcp_checksum_offset, sum.add(out.head.contents()).add(out.body).value());
            }
            count(tcp_count::segments_out);
            const auto sent = os_[port::ip].send(e.remote, ip_protocol, std::move(out));
            if (!sent) count(tcp_count::send_failed);
            return sent || sent.error() != error::no_buffers;
        }

        [[gnu::noinline]] void on_known(slot& r, tcp_segment& s, packet&& p, instant at) {
            tcb& c = r.control;
            const tcp_path path = base::path(r, at);
            const bool opening = c.opening() && !c.passive;
            const bool unsynchronized = c.state < tcp_state::syn_received;
            if (r.use == tcp_timer_use::keep_alive) arm(r, tcp_timer_use::none, at, {});
            if (!prepare(r, s, at)) return;
            tcp_reaction a;
            on_segment(c, s, a);
            r.silent = 0;
            count_drop(a.drop);
            if (a.aborted) return close(r, opening ? error::refused : error::reset);
            if (a.reset) refuse(r.ends, s);
            if (unsynchronized && c.state >= tcp_state::syn_received) on_peers_syn(r, s, at);
            if (a.repeat) r.repeat = true;
            if (a.opened) on_opened(r);
            note(r, s, a, at);
            if (a.advanced) on_progress(r, a, s, at);
            if (a.drop == tcp_drop::none && c.state >= tcp_state::established && !a.opened) on_ack(r, a, s, path, at);
            if (a.finished) return close(r, error::closed);
            if (c.state >= tcp_state::established) on_content(r, a, s, std::move(p), at);
            if (a.ack) r.ack_now = true;
            if (a.challenge) challenge(r, at);
            if (a.waits) {
                arm(r, tcp_timer_use::time_wait, at, std::chrono::milliseconds(std::uint32_t{Limits.time_wait_ms}));
            }
            schedule(r);
        }

        // Before the state machine: the peer's units, and PAWS (RFC 7323 section 5.3 R1). False when that is all.
        bool prepare(slot& r, tcp_segment& s, instant at) {
            const tcb& c = r.control;
            if (!s.has(tcp_flag::syn)) s.window <<= c.peer_shift;
            if constexpr (features.timestamps) {
                if (!c.stamped || s.has(tcp_flag::rst) || s.has(tcp_flag::syn)) return true;
                if (!s.options.stamped) {
                    count(tcp_count::no_stamp);  // section 3.2
                    return false;
                }
                if (!r.stamps.too_old(s.options.stamp, r.stamps.at(at))) return true;
                count(tcp_count::old_stamps);
                note_twice(r, s);
                if (s.length() == 0) {
                    challenge(r, at);
                } else {
                    r.ack_now = true;
                }
                schedule(r);
                return false;
            }
            return true;
        }

        // What a segment tells beside what the state machine looks at.
        void note(slot& r, const tcp_segment& s, const tcp_reaction& a, instant at) {
            if (a.drop == tcp_drop::out_of_window) return note_twice(r, s);
            if (a.drop != tcp_drop::none) return;
            if constexpr (features.timestamps) {
                if (r.control.stamped && s.options.stamped) r.stamps.take(s, r.stamps.at(at));
            }
            if (a.skip != 0) note_twice(r, s);
            if constexpr (features.ecn) {
                if (s.has(tcp_flag::cwr)) r.ecn.echo = false;
                if (s.marked && s.text != 0) r.ecn.echo = true;
            }
            if constexpr (features.urgent) {
                tcp_marks& m = r.marks;
                const seq next{r.control.rcv_nxt.value - r.receive.octets()};
                if (m.peers <= next) m.peers_set = false;  // read past: before the numbers come by it again
                const seq mark = s.sequence + s.urgent;
                if (!s.has(tcp_flag::urg) || s.urgent == 0) return;
                if (mark <= next || (m.peers_set && mark <= m.peers)) return;
                // MUST-32: the application is told of a mark, and when it moves on.
                m.peers = mark;
                m.peers_set = m.news = true;
                wake_one(r.observer);
            }
        }

        // RFC 2883 section 4: text that is here already.
        void note_twice(slot& r, const tcp_segment& s) {
            if constexpr (features.sack) {
                const seq edge = r.control.rcv_nxt;
                if (!r.control.sack || s.text == 0 || s.sequence >= edge) return;
                const seq end = s.sequence + s.text;
                r.told.twice = {s.sequence, end < edge ? end : edge};
            }
        }

        void on_opened(slot& r) {
            r.congestion.start(r.control.mss);
            // RFC 6298 section 5.7; RFC 6928 section 2: a SYN lost once may have been bad luck.
            if (r.rtt.repeats != 0) r.rtt.base = tcp_rtt::after_lost_syn;
            if (r.rtt.repeats > 1) r.congestion.window = r.control.mss;
            hand_over(r);
        }

        void on_progress(slot& r, const tcp_reaction& a, const tcp_segment& s, instant at) {
            const bool timed = r.rtt.progress(r.control.una, ticks_at(at));
            if (!features.sack && !timed) {
                if (const tcp_ticks trip = echoed(r, s, at)) r.rtt.sample(trip);
            }
            if constexpr (Limits.features.errors) r.unreachable = false;
            r.send.drop(a.acked);
            r.cancel();
            r.use = tcp_timer_use::none;
            if constexpr (features.urgent) {
                if (r.control.una >= r.marks.own) r.marks.own_set = false;
            }
            wake_writer(r);
            if (base::flushed(r)) wake_one(r.flusher);
        }

        // The round trip that an echoed timestamp tells (RFC 7323 section 4.1); 0: none.
        static tcp_ticks echoed(slot& r, const tcp_segment& s, instant at) {
            if constexpr (features.timestamps) {
                if (r.control.stamped && s.options.echo != 0) return (r.stamps.at(at) - s.options.echo) << 10 | 1;
            }
            return 0;
        }

        void on_ack(slot& r, const tcp_reaction& a, const tcp_segment& s, const tcp_path& path, instant at) {
            bool lost = false;
            if constexpr (features.sack) {
                if (!a.advanced && !a.duplicate && s.options.blocks == 0) return;
                lost =
                    r.recovery.on_ack(r.congestion, r.control, a, s, path, {r.rtt, echoed(r, s, at)}, base::sent_.pool);
            } else {
                lost = r.recovery.on_ack(r.congestion, r.control, a, path);
            }
            if (lost) count(tcp_count::fast_retransmits);
            if constexpr (features.ecn) {
                // RFC 3168 section 6.1.2: as for a loss, once for each window, and the peer hears of either.
                const bool past = r.control.una >= r.ecn.until;
                const bool told = r.control.ecn && s.has(tcp_flag::ece) && past && !r.recovery.recovers();
                if (told) r.congestion.lost(path);
                if (told || lost) {
                    r.ecn.until = r.control.max;
                    r.ecn.reduced = true;
                } else if (past) {
                    r.ecn.until = r.control.una;  // never 2 GiB behind, where it would look to be before us
                }
            }
        }

        // What is queued, and when it is acknowledged (RFC 5681 section 4.2, RFC 9293 section 3.8.6.3).
        void on_content(slot& r, tcp_reaction& a, const tcp_segment& s, packet&& p, instant at) {
            std::uint32_t grown = 0;
            if (a.take != 0) {
                if (r.orphan()) return abort(r);  // RFC 1122 section 4.2.2.13
                // One acknowledgment for two segments at least, however many come in one turn (RFC 2525 section 2.13).
                if (r.unacked >= 2) transmit(r, {}, at);
                p.pop_front(s.header + a.skip);
                p.truncate(a.take);
                const bool gap = r.receive.early_buffers() != 0;
                if (a.at == r.control.rcv_nxt) {
                    grown = keep(r, std::move(p));
                    r.ack_now |= gap || grown == 0 || ++r.unacked >= 2;
                    r.ack_later = true;
                } else {
                    count(tcp_count::early);
                    keep_early(r, std::move(p), a);
                    if (r.acks_owed < 255) ++r.acks_owed;
                }
            }
            on_text(r.control, grown, a);
            if (grown != 0 || a.ended) wake_reader(r);
        }

        void keep_early(slot& r, packet&& p, const tcp_reaction& a) {
            if (!may_keep(r, false)) return;
            [[maybe_unused]] const bool is_new = r.receive.insert(std::move(p), a.at);
            if constexpr (features.sack) {
                if (is_new) {
                    r.told.recent = a.at;
                } else {
                    r.told.twice = {a.at, a.at + a.take};
                }
            }
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

        [[no_unique_address]] stack_link<Stack> os_;
        std::uint32_t next_port_ = 0;
        instant cookie_sent_{};
        bool keyed_ = false;
        zeroed<std::array<tcp_listening, Limits.listeners>> listeners_of_;
        zeroed<std::array<tcp_record*, std::bit_ceil(std::size_t{Limits.connections})>> buckets_of_;
        std::array<tcp_place<slot>, Limits.connections> slots_;
    };
};

}  // namespace uk::net
