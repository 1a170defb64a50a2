// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_core.hpp>

// The larger functions of tcp_core. They stay out of line: each has several callers, and an image is to be small.
namespace uk::net {

inline tcp_record* tcp_core::find(const tcp_ends& e) {
    tcp_record* r = bucket(e);
    while (r != nullptr && r->ends != e) r = r->next;
    return r;
}

inline tcp_listening* tcp_core::listener_of(std::uint16_t port) {
    for (tcp_listening& l : listeners_) {
        if (l.port == port) return &l;
    }
    return nullptr;
}

inline tcp_record* tcp_core::take_free() {
    if (free_ == nullptr && !waiting_.empty()) {
        close(static_cast<tcp_record&>(waiting_.front()), error::closed);
    }
    tcp_record* const r = free_;
    if (r == nullptr) return nullptr;
    free_ = r->next;
    ++in_use_;
    return r;
}

inline void tcp_core::enter(tcp_record& r, const tcp_ends& e, std::uint16_t mss, instant now) {
    r.ends = e;
    tcb& c = r.control;
    c.iss = c.una = c.nxt = c.max = initial_sequence(e, now);
    c.mss = mss;
    tcp_record*& b = bucket(e);
    r.next = b;
    b = &r;
    r.hashed = true;
}

inline void tcp_core::unhash(tcp_record& r) {
    if (!r.hashed) return;
    tcp_record** link = &bucket(r.ends);
    while (*link != &r) link = &(*link)->next;
    *link = r.next;
    r.hashed = false;
}

[[gnu::noinline]] inline void tcp_core::leave_listener(tcp_record& r) {
    if (r.listener == nullptr) return;
    --std::exchange(r.listener, nullptr)->waiting;
    static_cast<tcp_accept_node&>(r).unlink();
}

[[gnu::noinline]] inline void tcp_core::recycle(tcp_record& r) {
    r.receive.clear();
    static_cast<tcp_node&>(r).unlink();
    ++r.generation;
    r.next = free_;
    free_ = &r;
    --in_use_;
}

[[gnu::noinline]] inline void tcp_core::close(tcp_record& r, error why) {
    r.control.state = tcp_state::closed;
    r.outcome = why;
    r.cancel();
    static_cast<tcp_node&>(r).unlink();
    unhash(r);
    r.send.clear();
    if (forget_ != nullptr) forget_(*this, r);
    if (why != error::closed) r.receive.clear();
    leave_listener(r);
    wake(r);
    if (!r.owned) recycle(r);
}

inline result<tcp_listening_reference> tcp_core::listen(std::uint16_t port) {
    if (port == 0) return fail(error::invalid);
    if (listener_of(port) != nullptr) return fail(error::in_use);
    tcp_listening* const free = listener_of(0);
    if (free == nullptr) return fail(error::too_large);
    free->port = port;
    return tcp_listening_reference{free, free->generation};
}

inline void tcp_core::close_listener(const tcp_listening_reference& r) {
    tcp_listening* l = find(r);
    if (l == nullptr) return;
    l->opening.take_all(l->ready);
    while (!l->opening.empty()) abort(static_cast<tcp_record&>(l->opening.front()));
    if (l->acceptor != nullptr) {
        l->acceptor->closed = true;
        on_->make_ready(*std::exchange(l->acceptor, nullptr));
    }
    l->port = 0;
    ++l->generation;
}

[[gnu::noinline]] inline tcp_record* tcp_core::take_accepted(tcp_listening& l) {
    if (l.ready.empty()) return nullptr;
    auto& r = static_cast<tcp_record&>(l.ready.front());
    leave_listener(r);
    r.owned = true;
    return &r;
}

inline void tcp_core::put_back(tcp_listening& l, tcp_record& r) {
    if (!r.open()) {
        disown(r);
        return;
    }
    r.owned = false;
    r.listener = &l;
    ++l.waiting;
    list<tcp_accept_node> others;
    others.take_all(l.ready);
    l.ready.push_back(r);
    l.ready.take_all(others);
}

inline void tcp_core::hand_over(tcp_record& r) {
    count(tcp_count::opened);
    if (r.listener == nullptr) {
        wake_reader(r);  // the task that connects
        return;
    }
    tcp_listening& l = *r.listener;
    l.ready.push_back(r);
    if (l.acceptor == nullptr) return;
    tcp_acceptor& a = *std::exchange(l.acceptor, nullptr);
    tcp_record& first = *take_accepted(l);
    a.got = reference(first);
    on_->make_ready(a);
}

inline std::uint32_t tcp_core::room(const tcp_record& r) const {
    const std::uint32_t used = r.receive.octets() + r.held;
    const std::uint32_t limit = limits_.receive_window > used ? limits_.receive_window - used : 0;
    const std::uint32_t share_octets = share(r.receive.buffers()) * own_mss_;
    const std::uint32_t pool = used == 0 && share_octets < own_mss_ ? own_mss_ : share_octets;
    return detail::least_of(limit, pool);
}

[[gnu::noinline]] inline bool tcp_core::may_keep(const tcp_record& r, bool in_order) const {
    const std::size_t free = packets_->available();
    const std::uint32_t held = r.receive.buffers() + r.held_buffers;
    if (in_order) {
        if (held >= limits_.receive_buffers) return false;
        if (held == 0 && r.reader != nullptr) return free >= limits_.reserve / 2;
        return held < share(held);
    }
    const std::uint32_t early = r.receive.early_buffers();
    return early < limits_.receive_buffers && early < share(early + held) / 2;
}

inline std::uint32_t tcp_core::keep(tcp_record& r, packet&& p) {
    if (!r.receive.fits_behind(p) && !may_keep(r, true)) {
        r.receive.forget_early();
        if (!may_keep(r, true)) {
            count(tcp_count::no_room);
            return 0;
        }
    }
    return r.receive.append(std::move(p), r.control.rcv_nxt);
}

inline void tcp_core::give_back(tcp_record& r, std::size_t octets) {
    r.held -= static_cast<std::uint32_t>(octets);
    --r.held_buffers;
    const tcb& c = r.control;
    if (!r.open() || !c.synchronized() || c.ended()) return;
    const std::uint32_t offered = c.rcv_edge - c.rcv_nxt;
    // More than this cannot be told, and would be told in vain with every read.
    const std::uint32_t can = detail::least_of(room(r), std::uint32_t{65535} << c.own_shift);
    if (can < offered + window_step()) return;
    // A peer with little left is told at the first chance, others with every second segment.
    if (offered < 2U * own_mss_ || can >= offered + 2U * own_mss_) {
        r.ack_now = true;
        schedule(r);
    }
}

[[gnu::noinline]] inline bool tcp_core::write(tcp_record& r, tcp_writer& w) {
    if (!r.open() || r.control.shut) {
        w.failed = true;
        w.why = r.outcome;
        return true;
    }
    std::uint32_t limit = share(r.send.buffers());
    if (limit == 0 && packets_->available() > limits_.reserve / 2) limit = 1;
    if (limit > limits_.send_buffers) limit = limits_.send_buffers;
    std::size_t done = 0;
    // A few constant octets would be copied into a segment anyway, and a buffer for each range is dear.
    if (w.constant && w.rest.size() > tcp_copied) {
        done = r.send.append_constant(w.rest, *packets_, limit) ? w.rest.size() : 0;
    } else {
        // Buffers of one segment each can be sent without copying again.
        done = r.send.append(w.rest, *packets_, limit, r.control.mss < 512 ? 65535 : r.control.mss);
    }
    w.rest = w.rest.subspan(done);
    if (!w.rest.empty() && r.send.buffers() < limits_.send_buffers) r.starved = true;
    if (done != 0 || r.starved) schedule(r);
    return w.rest.empty();
}

[[gnu::noinline]] inline void tcp_core::abort(tcp_record& r) {
    const tcp_state s = r.control.state;
    const bool known = s >= tcp_state::syn_received && s <= tcp_state::close_wait;
    r.outcome = error::closed;
    r.receive.clear();
    r.send.clear();
    if (!known) {
        close(r, error::closed);
        return;
    }
    r.reset = true;
    r.cancel();
    wake(r);
    leave_listener(r);
    schedule(r);
}

[[gnu::noinline]] inline void tcp_core::disown(tcp_record& r) {
    const bool unread = r.receive.buffers() != 0;
    r.owned = false;
    wake_reader(r);
    if (r.writer != nullptr) {
        r.writer->failed = true;
        on_->make_ready(*std::exchange(r.writer, nullptr));
    }
    if (r.control.state == tcp_state::closed) {
        recycle(r);
    } else if (r.reset) {
        return;
    } else if (unread || r.control.state == tcp_state::syn_sent) {
        abort(r);
    } else {
        shut(r);
    }
}

inline void tcp_core::look_again() {
    list<tcp_node> due;
    due.take_all(delayed_);
    while (!due.empty()) {
        auto& r = static_cast<tcp_record&>(due.pop_front());
        if (r.ack_later) r.ack_now = true;
        schedule(r);
        wake_writer(r);
    }
}

}  // namespace uk::net
