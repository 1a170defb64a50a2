// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/net/dhcp_wire.hpp>
#include <uk/time.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>

namespace uk::net {

/// What the server has let to us: its words, checked and completed, since when.
struct dhcp_lease : dhcp_reply {
    instant since;

    bool valid() const { return !address.is_unspecified(); }
    cidr own() const { return {address, static_cast<std::uint8_t>(std::countl_one(mask))}; }
};

/// Takes what `r`, an OFFER or ACK that came at `now`, lets to us over into `l`; false, with `l` as it was, when no
/// host could use it: server or address not those of one host, or the same; a mask with holes, the network's own or its
/// broadcast address, no lease time. A router that cannot be reached and an MTU that no link has are left out; times T1
/// and T2 that are missing or impossible are those of RFC 2131 section 4.4.5.
[[gnu::noinline]] inline bool take_lease(const dhcp_reply& r, instant now, dhcp_lease& l) {
    if (!r.server.is_unicast() || !r.address.is_unicast()) return false;
    if (r.address == r.server || r.lease_seconds == 0) return false;
    // Without a mask it is that of the address's class (RFC 950 section 2.1).
    const std::uint32_t a = r.address.value;
    const std::uint32_t natural = a >> 31 == 0 ? 0xff000000 : a >> 30 == 2 ? 0xffff0000 : 0xffffff00;
    const std::uint32_t mask = r.mask != 0 ? r.mask : natural;
    const std::uint32_t host = ~mask;
    if ((host & (host + 1)) != 0) return false;
    if (host > 1 && ((a & host) == 0 || (a & host) == host)) return false;
    static_cast<dhcp_reply&>(l) = r;
    l.mask = mask;
    l.since = now;
    if (r.mtu < 68) l.mtu = 0;  // RFC 2132 section 5.1
    if (!r.router.is_unicast() || ((r.router.value ^ a) & mask) != 0 || r.router == r.address) l.router = {};
    if (l.rebind_seconds >= l.lease_seconds || l.renew_seconds == 0 || l.renew_seconds >= l.rebind_seconds) {
        l.renew_seconds = l.lease_seconds / 2;
        l.rebind_seconds = l.lease_seconds - l.lease_seconds / 8;
    }
    return true;
}

/// The same as a value.
inline std::optional<dhcp_lease> lease_of(const dhcp_reply& r, instant now) {
    dhcp_lease l;
    return take_lease(r, now, l) ? std::optional(l) : std::nullopt;
}

/// The client's side of RFC 2131 as a value: no socket, no timer. After each call the owner does what `step` says, and
/// puts `lease()` into effect.
/// A link that has changed is an INIT-REBOOT (section 4.4.2), during which the lease is used on.
/// Not obeyed: the random delay before the first message (section 4.4.1; a machine that boots is waited for).
class dhcp_client {
public:
    enum class state : std::uint8_t { init, selecting, requesting, bound, renewing, rebinding, rebooting };

    struct step {
        dhcp_request send;  ///< a message to send to `to`, unless of type none
        ip4_address to;
        instant wake;  ///< call `on_time` then
    };

    /// Nothing is to be done before `start`.
    dhcp_client() = default;
    /// `seed` should differ between machines and boots: transaction numbers and delays come from it.
    dhcp_client(const mac& own, std::uint64_t seed) { start(own, seed); }
    void start(const mac& own, std::uint64_t seed) {
        step_.send.client = own;
        random_ = seed;
    }

    state now_in() const { return state_; }
    /// Valid from BOUND on.
    const dhcp_lease& lease() const { return lease_; }
    bool has_lease() const { return state_ >= state::bound; }

    /// Begins, or goes on where an answer has not come in time. The step is valid until the next call.
    const step& on_time(instant now) {
        state next = state_;
        const std::uint64_t over = passed(now);
        if (state_ < state::bound) {
            if (state_ == state::init || tries_ >= 4) next = state::selecting;
        } else if (over >= lease_.lease_seconds) {
            next = state::selecting;
        } else if (state_ != state::rebooting || tries_ >= 4) {
            next = over >= lease_.rebind_seconds ? state::rebinding : state::renewing;
        }
        if (state_ == state::bound || (next == state::selecting && state_ != next)) begin(now);
        state_ = next;
        send(now);
        return step_;
    }

    /// The link was down, and may be another one now: what was let is confirmed, or looked for anew.
    const step& on_link_change(instant now) {
        state_ = has_lease() ? state::rebooting : state::init;
        begin(now);
        return on_time(now);
    }

    /// Somebody else uses the address that was let to us: the server is told, and after a pause another is looked for
    /// (section 3.1, step 5).
    const step& decline(instant now) {
        give_up(dhcp_type::decline);
        step_.send.requested = lease_.address;
        step_.to = ip4_address::broadcast();
        wait(now, 11);
        return step_;
    }

    /// The address is needed no more: the server is told, and nothing more is done until `on_time` (section 4.4.6).
    const step& release() {
        give_up(dhcp_type::release);
        step_.send.own = lease_.address;
        step_.to = lease_.server;
        step_.wake = instant::never();
        return step_;
    }

    /// What a server said; null when it is not for us, not now, or not usable. The step is valid until the next call.
    const step* on_reply(const dhcp_reply& r, instant now) {
        if (number_of(r.client) != number_of(step_.send.client) || r.xid != step_.send.xid) return nullptr;
        const bool offer = r.type == dhcp_type::offer;
        if (offer != (state_ == state::selecting) || state_ == state::init || state_ == state::bound) return nullptr;
        // In REBINDING and INIT-REBOOT any server may answer.
        if (!offer && state_ < state::rebinding && r.server != lease_.server) return nullptr;
        step_.send.type = dhcp_type::none;
        if (r.type == dhcp_type::nak) {
            state_ = state::init;
            // With a pause, so that client and server do not chase each other.
            wait(now, 2);
            return &step_;
        }
        if ((!offer && r.address != lease_.address) || !take_lease(r, now, lease_)) return nullptr;
        if (offer) {
            state_ = state::requesting;
            tries_ = 0;
            send(now);
        } else {
            state_ = state::bound;
            const bool ends = r.lease_seconds != 0xffffffff;  // RFC 2131 section 3.3
            step_.wake = ends ? now + std::chrono::seconds(lease_.renew_seconds) : instant::never();
        }
        return &step_;
    }

private:
    static constexpr std::uint64_t second = 1'000'000'000;

    std::uint32_t random() {
        random_ = random_ * 6364136223846793005 + 1442695040888963407;
        return static_cast<std::uint32_t>(random_ >> 32);
    }

    // Seconds of the lease that are over.
    std::uint64_t passed(instant now) const { return (now.ns - lease_.since.ns) / second; }

    void begin(instant now) {
        step_.send.xid = random();
        began_ = now;
        tries_ = 0;
    }

    void give_up(dhcp_type say) {
        state_ = state::init;
        dhcp_request& q = step_.send;
        q.type = say;
        q.seconds = 0;
        q.xid = random();
        q.own = q.requested = {};
        q.server = lease_.server;
    }

    // Up to a second sooner or later (RFC 2131 section 4.1).
    void wait(instant now, std::uint64_t seconds) {
        step_.wake.ns = now.ns + (seconds - 1) * second + (random() * 2 * second >> 32);
    }

    // DISCOVER while there is nobody to ask for an address, otherwise REQUEST.
    void send(instant now) {
        dhcp_request& q = step_.send;
        q.type = state_ == state::selecting ? dhcp_type::discover : dhcp_type::request;
        q.seconds = static_cast<std::uint16_t>(std::min<std::uint64_t>((now.ns - began_.ns) / second, 0xffff));
        // RFC 2131 section 4.4, table 5.
        q.own = q.requested = q.server = {};
        step_.to = ip4_address::broadcast();
        if (state_ == state::renewing || state_ == state::rebinding) {
            q.own = lease_.address;
            if (state_ == state::renewing) step_.to = lease_.server;
            // Section 4.4.5: half of what is left of the phase, but not less than a minute.
            const std::uint64_t end = state_ == state::renewing ? lease_.rebind_seconds : lease_.lease_seconds;
            const std::uint64_t left = end - passed(now);
            step_.wake.ns = now.ns + std::min(left, std::max<std::uint64_t>(left / 2, 60)) * second;
        } else {
            if (state_ != state::selecting) q.requested = lease_.address;
            if (state_ == state::requesting) q.server = lease_.server;
            // Section 4.1: 4, 8, 16, 32, then 64 seconds.
            wait(now, 4U << (tries_ < 4 ? tries_++ : 4));
        }
    }

    std::uint64_t random_ = 0;
    state state_ = state::init;
    std::uint8_t tries_ = 0;
    instant began_;
    step step_{};
    dhcp_lease lease_;  // what was offered or let last
};

}  // namespace uk::net
