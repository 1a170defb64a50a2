// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/net/arp_wire.hpp>
#include <uk/port.hpp>
#include <uk/time.hpp>

#include <chrono>
#include <cstdint>

namespace uk::net {

/// True when the stack's neighbour part can find out whether an address is free: `probe(address)` begins it, and in the
/// end the stack's objects with `void address_claimed(ip4_address a, bool ours)` are told. The same says later, with
/// false, that the address could not be defended against somebody else. A task may wait for the end:
/// `while (arp.probing()) co_await arp.probed();`
template <class Stack>
consteval bool probes_addresses() {
    if constexpr (Stack::template has<port::neighbour>) {
        return requires(Stack& os, ip4_address a) { os[port::neighbour].probe(a); };
    } else {
        return false;
    }
}

/// Address conflict detection (RFC 5227) as a value: no packet, no timer. After `begin` the owner calls `on_time` at
/// `next` and does what it says.
class arp_guard {
public:
    enum class act : std::uint8_t {
        none,
        probe,     ///< send a probe for `address()`
        claim,     ///< nobody has it: it is ours
        announce,  ///< send an announcement of `address()`
    };

    static constexpr duration defend_interval = std::chrono::seconds(10);

    ip4_address address() const { return address_; }
    /// When to call `on_time`.
    instant next() const { return next_; }
    bool probing() const { return state_ == state::probing; }

    /// `seed` should differ between the hosts of a link (RFC 5227 section 2.1.1: they may all have been switched on at
    /// one time).
    void begin(ip4_address a, unsigned probes, std::uint64_t seed, instant now) {
        address_ = a;
        left_ = static_cast<std::uint8_t>(probes);
        random_ = seed;
        state_ = state::probing;
        wait(now, 0, 1000);  // PROBE_WAIT
    }

    void stop() {
        state_ = state::idle;
        next_ = instant::never();
    }

    act on_time(instant now) {
        if (now < next_) return act::none;
        if (state_ == state::probing) {
            if (left_ == 0) {
                state_ = state::announcing;
                left_ = announcements;
                next_ = now;
                return act::claim;
            }
            --left_;
            // PROBE_MIN to PROBE_MAX, then ANNOUNCE_WAIT.
            wait(now, left_ == 0 ? 2000 : 1000, left_ == 0 ? 0 : 1000);
            return act::probe;
        }
        if (--left_ == 0) {
            stop();
        } else {
            wait(now, 2000, 0);  // ANNOUNCE_INTERVAL
        }
        return act::announce;
    }

    /// True when `p`, which is not our own, says that somebody else has the address that we probe for, or is about to
    /// take it (section 2.1.1). The probing is over then.
    bool is_conflict(const arp_packet& p) {
        if (!probing()) return false;
        const bool probe = p.sender.is_unspecified() && p.target == address_;
        if (p.sender != address_ && !probe) return false;
        stop();
        return true;
    }

    /// Somebody else uses our address: true when it is to be announced once (section 2.4 (b)), false when that was done
    /// less than DEFEND_INTERVAL ago.
    bool may_defend(instant now) {
        if (defended_ != instant{} && now - defended_ < defend_interval) return false;
        defended_ = now;
        return true;
    }

private:
    static constexpr std::uint8_t announcements = 2;  // ANNOUNCE_NUM
    enum class state : std::uint8_t { idle, probing, announcing };

    // `least` milliseconds and up to `more`.
    void wait(instant now, std::uint64_t least, std::uint64_t more) {
        random_ = random_ * 6364136223846793005 + 1442695040888963407;
        next_.ns = now.ns + (least + ((random_ >> 32) * more >> 32)) * 1'000'000;
    }

    ip4_address address_;
    state state_ = state::idle;
    std::uint8_t left_ = 0;
    std::uint64_t random_ = 0;
    instant next_ = instant::never();
    instant defended_;
};

}  // namespace uk::net
