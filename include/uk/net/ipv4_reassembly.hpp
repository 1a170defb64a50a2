// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/ipv4_partial.hpp>
#include <uk/packet.hpp>
#include <uk/scheduler.hpp>
#include <uk/time.hpp>
#include <uk/timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace uk::net {

struct ipv4_reassembly_counters {
    std::uint32_t reassembled = 0;
    std::uint32_t reassembly_timed_out = 0;
    std::uint32_t reassembly_evicted = 0;  ///< for another
    std::uint32_t bad_fragment = 0;        ///< of a size that no fragment has
    std::uint32_t overlapping = 0;         ///< datagrams dropped since fragments overlap or contradict each other
    std::uint32_t larger_than_buffer = 0;  ///< datagrams dropped
    std::uint32_t no_buffer = 0;           ///< fragments dropped for want of a packet
};

/// The datagrams of which fragments have come: at most `Count`, at most `PerSource` of them from one source; a new one
/// takes the place of the oldest. What is not whole `Seconds` after a fragment came first is dropped (RFC 1122 section
/// 3.3.2). The owner is told of that, and gives packets and counts.
template <std::size_t Count, std::size_t PerSource, unsigned Seconds>
class ipv4_reassembly : timer {
public:
    using counters_type = ipv4_reassembly_counters;

    /// `timed_out(d, owner)` hears of a datagram whose first fragment has come, and others have not.
    using listener = void (*)(const ipv4_datagram&, void*);
    ipv4_reassembly(listener timed_out, void* owner) : timer(&fire), timed_out_(timed_out), owner_(owner) {}

    /// Takes the fragment `p` with header `d`. True when its datagram is whole: then `p` is its payload and `d` its
    /// header.
    [[gnu::noinline]] bool take(packet& p, ipv4_datagram& d, packet_store& store, scheduler& on,
                                counters_type& counted) {
        on_ = &on;
        counted_ = &counted;
        ipv4_partial* at = find(d, store);
        if (at == nullptr) return false;
        const ipv4_fragment_fate fate = at->add(p.contents(), d);
        if (fate == ipv4_fragment_fate::complete) {
            p = at->finish(d);
            ++counted.reassembled;
            return true;
        }
        if (fate == ipv4_fragment_fate::malformed) ++counted.bad_fragment;
        if (fate == ipv4_fragment_fate::overlap) ++counted.overlapping;
        if (fate == ipv4_fragment_fate::too_large) ++counted.larger_than_buffer;
        if (fate >= ipv4_fragment_fate::overlap) at->drop();
        return false;
    }

private:
    // That of `d`; a new one if there is none; null for want of a packet.
    ipv4_partial* find(const ipv4_datagram& d, packet_store& store) {
        std::size_t from_source = 0;
        ipv4_partial* oldest = nullptr;  // or one that is free
        ipv4_partial* oldest_of_source = nullptr;
        for (ipv4_partial& e : all_) {
            if (e.is_of(d)) return &e;
            if (!e) {
                oldest = &e;
                continue;
            }
            if (oldest == nullptr || (*oldest && e.until() < oldest->until())) oldest = &e;
            if (e.source() != d.source) continue;
            ++from_source;
            if (oldest_of_source == nullptr || e.until() < oldest_of_source->until()) oldest_of_source = &e;
        }
        if (from_source >= PerSource) oldest = oldest_of_source;
        if (*oldest) {
            ++counted_->reassembly_evicted;
            oldest->drop();
        }
        packet buffer = store.take();
        if (!buffer) {
            ++counted_->no_buffer;
            return nullptr;
        }
        oldest->begin(std::move(buffer), d, on_->now() + std::chrono::seconds(Seconds));
        if (!armed()) on_->timers.arm(*this, oldest->until());
        return oldest;
    }

    static void fire(timer& t) { static_cast<ipv4_reassembly&>(t).expire(); }
    void expire() {
        instant next = instant::never();
        for (ipv4_partial& e : all_) {
            if (!e) continue;
            if (e.until() > on_->now()) {
                next = e.until() < next ? e.until() : next;
                continue;
            }
            ++counted_->reassembly_timed_out;
            if (const ipv4_datagram* first = e.first()) timed_out_(*first, owner_);
            e.drop();
        }
        if (next != instant::never()) on_->timers.arm(*this, next);
    }

    listener timed_out_;
    void* owner_;
    scheduler* on_ = nullptr;
    counters_type* counted_ = nullptr;
    std::array<ipv4_partial, Count> all_;
};

}  // namespace uk::net
