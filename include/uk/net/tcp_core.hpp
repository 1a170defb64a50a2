// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/check.hpp>
#include <uk/net/tcp_plan.hpp>
#include <uk/net/tcp_record.hpp>
#include <uk/packet.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/siphash.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace uk::net {

/// The table of connections and what sockets do to it. Independent of the stack and of the congestion policy: the part
/// in tcp.hpp adds input, output and time. Sockets never send: they leave their connection in `pending`, and the part
/// sends at the end of the loop's turn, so that what was written in one turn goes out together and carries the
/// acknowledgments along.
///
/// Packet buffers are shared fairly: a connection that holds h of them, with a free ones left, may go up to (a + h -
/// reserve) / 3, so that what remains is always at least twice what any one holds. Text in order that a task is
/// waiting for, and the first buffer of a send queue, may take from the reserve down to its half. Text that came early
/// may have half of the share. What is refused has been received in vain: the peer sends it again. Against peers that
/// do not read what they asked for, only a deadline on the write helps: give them one.
class tcp_core {
public:
    tcp_core(const tcp_limits& limits, uk::scheduler& on, packet_store& packets)
        : on_(on), packets_(packets), limits_(limits), later_timer_(*this) {}
    tcp_core(const tcp_core&) = delete;
    tcp_core& operator=(const tcp_core&) = delete;

    // What sockets need. A null result of `find` means that the connection is gone.

    [[gnu::noinline]] static tcp_record* find(const tcp_reference& r) {
        const bool there = r.record != nullptr && r.record->generation == r.generation && r.record->owned;
        return there ? r.record : nullptr;
    }
    static tcp_reference reference(tcp_record& r) { return {&r, r.generation}; }
    uk::scheduler& scheduler() { return *on_; }

    result<tcp_listening_reference> listen(std::uint16_t port);
    void close_listener(const tcp_listening_reference& r);
    [[gnu::noinline]] static tcp_listening* find(const tcp_listening_reference& r) {
        return r.place != nullptr && r.place->generation == r.generation ? r.place : nullptr;
    }
    /// The longest-waiting connection of the listener, now owned by the caller, or null.
    tcp_record* take_accepted(tcp_listening& l);
    /// The opposite: it waits again, before all others.
    void put_back(tcp_listening& l, tcp_record& r);

    /// Something to read, or nothing to come.
    static bool readable(const tcp_record& r) { return r.receive.buffers() != 0 || r.control.ended() || !r.open(); }
    /// The next packet, which the caller holds until it calls `give_back`; null when nothing is there.
    packet read(tcp_record& r) {
        packet p = r.receive.pop();
        if (p) {
            r.held += static_cast<std::uint32_t>(p.size());
            ++r.held_buffers;
        }
        return p;
    }
    void give_back(tcp_record& r, std::size_t octets);

    /// Queues what finds room of `w.rest`; true when the write is over, one way or the other.
    bool write(tcp_record& r, tcp_writer& w);
    void shut(tcp_record& r) {
        r.control.shut = true;
        schedule(r);
    }
    /// All that was written is acknowledged, our FIN too where there is to be one.
    static bool flushed(const tcp_record& r) {
        const tcp_state s = r.control.state;
        if (!r.open()) return true;
        if (r.send.octets() != 0) return false;
        return !r.control.shut || s == tcp_state::fin_wait_2 || s == tcp_state::time_wait;
    }
    /// Ends the connection with a RST where the peer knows of it (RFC 9293 section 3.10.5).
    void abort(tcp_record& r);
    /// The application has let go of its handle. Text it has not read is answered with a RST (RFC 2525 section 2.17).
    void disown(tcp_record& r);

    /// To be looked at by the part at the end of this turn.
    [[gnu::noinline]] void schedule(tcp_record& r) { pending_.push_back(r); }

    std::size_t in_use() const { return in_use_; }
    /// The counters that `Names` names: all, or those of the core.
    template <const std::string_view& Names>
    counter_list counters() const {
        return counter_list::of<Names>(counters_);
    }
    std::uint32_t counter(tcp_count c) const { return counters_[static_cast<std::size_t>(c)]; }

protected:
    friend struct tcp_record;

    void count(tcp_count c) { ++counters_[static_cast<std::size_t>(c)]; }

    [[gnu::noinline]] std::uint64_t hash(const tcp_ends& e) const {
        static_assert(std::has_unique_object_representations_v<tcp_ends>, "uk: no octet that means nothing is hashed");
        return siphash(key_, std::as_bytes(std::span(&e, 1)));
    }
    /// RFC 6528: a clock of 4 us (here 4.1) plus a keyed hash of the ends.
    seq initial_sequence(const tcp_ends& e, instant now) const {
        return {static_cast<std::uint32_t>(now.ns >> 12) + static_cast<std::uint32_t>(hash(e))};
    }

    /// Takes memory for one more connection.
    void adopt(tcp_record& r) {
        r.next = free_;
        free_ = &r;
    }

    tcp_record* find(const tcp_ends& e);
    tcp_listening* listener_of(std::uint16_t port);
    /// A record that is free now; null when the table is full of what must not be evicted.
    tcp_record* take_free();
    /// Puts a fresh record into the table and chooses its numbers.
    void enter(tcp_record& r, const tcp_ends& e, std::uint16_t mss, instant now);
    /// A connection was established: to whoever waits for it.
    void hand_over(tcp_record& r);
    /// The connection is over. Its record lives on while an application holds it.
    void close(tcp_record& r, error why);

    /// To be looked at by the part in a while, when buffers are short or an acknowledgment can wait.
    void schedule_later(tcp_record& r) {
        delayed_.push_back(r);
        if (later_timer_.armed()) return;
        on_->timers.arm(later_timer_, on_->now() + std::chrono::milliseconds(limits_.ack_delay_ms));
    }

    void wake(tcp_record& r) {
        wake_reader(r);
        wake_writer(r);
        wake_one(r.flusher);
        wake_one(r.observer);
    }
    [[gnu::noinline]] void wake_one(waiter*& w) {
        if (w != nullptr) on_->make_ready(*std::exchange(w, nullptr));
    }
    void wake_reader(tcp_record& r) { wake_one(r.reader); }
    /// Goes on with a write that waits, and wakes its task once it is over.
    [[gnu::noinline]] void wake_writer(tcp_record& r) {
        if (r.writer != nullptr && write(r, *r.writer)) on_->make_ready(*std::exchange(r.writer, nullptr));
    }

    /// Octets that may be offered to the peer from RCV.NXT on.
    std::uint32_t room(const tcp_record& r) const;
    /// The growth of the window that is worth telling (RFC 9293 section 3.8.6.2.2).
    std::uint32_t window_step() const { return detail::least_of(own_mss_, limits_.receive_window / 2); }
    bool may_keep(const tcp_record& r, bool in_order) const;
    /// Queues text in order, if it may; says by how many octets the stream has grown.
    std::uint32_t keep(tcp_record& r, packet&& p);
    [[gnu::noinline]] std::uint32_t share(std::uint32_t held) const {
        const std::uint32_t all = static_cast<std::uint32_t>(packets_->available()) + held;
        return all > limits_.reserve ? (all - limits_.reserve) / 3 : 0;
    }

    // What is used most comes first: its place fits an octet in the code.
    [[no_unique_address]] scheduler_link on_;
    [[no_unique_address]] packet_store_link packets_;
    const tcp_limits& limits_;
    std::uint16_t own_mss_ = 1460;  ///< what we tell peers

private:
    tcp_record* free_ = nullptr;
    std::array<std::uint32_t, static_cast<std::size_t>(tcp_count::last)> counters_{};

protected:
    list<tcp_node> pending_;
    list<tcp_node> delayed_;
    list<tcp_node> waiting_;  ///< in TIME-WAIT, without an owner, oldest first
    // Set by who derives from it, once it has the memory.
    std::span<tcp_record*> buckets_;  ///< a power of two in number
    std::span<tcp_listening> listeners_;
    siphash_key key_;
    void (*fire_)(tcp_core&, tcp_record&) = nullptr;
    void (*forget_)(tcp_core&, tcp_record&) = nullptr;  ///< gives back what the part keeps for a closed connection

private:
    struct later : timer {
        explicit later(tcp_core& c) : timer(&fire), core(c) {}
        static void fire(timer& t) { static_cast<later&>(t).core.look_again(); }
        tcp_core& core;
    };
    void look_again();
    // Strangers choose where they fall, so the hash has a key: multilinear, whose upper half is universal (Lemire and
    // Kaser, 2014), which is enough where nobody sees its value.
    tcp_record*& bucket(const tcp_ends& e) {
        const std::uint32_t ports = std::uint32_t{e.local_port} << 16 | e.remote_port;
        const std::uint64_t h = key_.first * e.remote.value + key_.second * ports;
        return buckets_[h >> 32 & (buckets_.size() - 1)];
    }
    void unhash(tcp_record& r);
    void leave_listener(tcp_record& r);
    void recycle(tcp_record& r);

    std::size_t in_use_ = 0;
    later later_timer_;
};

inline tcp_record::tcp_record()
    : timer([](timer& t) {
          auto& r = static_cast<tcp_record&>(t);
          r.core->fire_(*r.core, r);
      }) {}

}  // namespace uk::net
