// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/net/dhcp_wire.hpp>
#include <uk/time.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>

namespace uk::net {

/// What the server has let to us, and until when.
struct dhcp_lease {
    cidr own;            ///< unspecified: no lease
    ip4_address router;  ///< unspecified: none that can be reached
    ip4_address server;
    std::array<ip4_address, 3> dns{};   ///< unspecified from where the list ends
    instant renew = instant::never();   ///< T1 of RFC 2131 section 4.4.5
    instant rebind = instant::never();  ///< T2
    instant expires = instant::never();

    bool valid() const { return !own.address.is_unspecified(); }
};

/// The address in its network that `r`, an OFFER or ACK, lets to us; nothing when no host could use it: server or
/// address not those of one host, or the same; a mask with holes, the network's own or its broadcast address, no lease
/// time.
inline std::optional<cidr> address_of(const dhcp_reply& r) {
    if (!r.server.is_unicast() || !r.address.is_unicast() || r.address == r.server || r.lease_seconds == 0) return {};
    // Without a mask it is that of the address's class (RFC 950 section 2.1).
    const std::uint32_t a = r.address.value;
    const std::uint32_t natural = a >> 31 == 0 ? 0xff000000 : a >> 30 == 2 ? 0xffff0000 : 0xffffff00;
    const std::uint32_t mask = r.mask != 0 ? r.mask : natural;
    const cidr own{r.address, static_cast<std::uint8_t>(std::countl_one(mask))};
    if (own.mask() != mask) return {};
    if (own.prefix < 31 && ((a | mask) == 0xffffffff || (a & ~mask) == 0)) return {};
    return own;
}

/// Takes the lease of `own` = `address_of(r)` in `r`, which came at `now`, over into `l`.
inline void take_lease(const dhcp_reply& r, cidr own, instant now, dhcp_lease& l) {
    const bool routed = r.router.is_unicast() && own.contains(r.router) && r.router != r.address;
    l.own = own;
    l.router = routed ? r.router : ip4_address{};
    l.server = r.server;
    l.dns = r.dns;
    l.renew = l.rebind = l.expires = instant::never();
    if (r.lease_seconds == 0xffffffff) return;  // RFC 2131 section 3.3: for ever
    const std::uint64_t lease = r.lease_seconds;
    std::uint64_t rebind = r.rebind_seconds;
    std::uint64_t renew = r.renew_seconds;
    if (rebind == 0 || rebind >= lease || renew == 0 || renew >= rebind) {
        renew = lease / 2;
        rebind = lease * 7 / 8;
    }
    l.renew = now + std::chrono::seconds(renew);
    l.rebind = now + std::chrono::seconds(rebind);
    l.expires = now + std::chrono::seconds(lease);
}

/// Both, as a value.
inline std::optional<dhcp_lease> lease_of(const dhcp_reply& r, instant now) {
    const auto own = address_of(r);
    if (!own) return {};
    dhcp_lease l;
    take_lease(r, *own, now, l);
    return l;
}

/// The client's side of RFC 2131 as a value: no socket, no timer. After each call the owner does what `step` says.
/// Not obeyed: the random delay before the first message (section 4.4.1; a machine that boots is waited for), checking
/// the address by ARP, DECLINE, RELEASE and INIT-REBOOT.
class dhcp_client {
public:
    enum class state : std::uint8_t { init, selecting, requesting, bound, renewing, rebinding };

    struct step {
        std::optional<dhcp_request> send;  ///< a message to send to `to`
        ip4_address to;
        bool lease_changed = false;       ///< `lease()` is to be put into effect, also if there is none any more
        instant wake = instant::never();  ///< call `on_time` then
    };

    /// `seed` should differ between machines and boots: transaction numbers and delays come from it.
    dhcp_client(const mac& own, std::uint64_t seed) : mac_(own), random_(seed) {}

    state now_in() const { return state_; }
    const dhcp_lease& lease() const { return lease_; }

    /// Begins, or goes on where an answer has not come in time. The step is valid until the next call.
    const step& on_time(instant now) {
        step_ = {};
        if (state_ == state::requesting && tries_ >= 4) state_ = state::init;
        if (state_ == state::init) {
            begin(state::selecting, now);
        } else if (state_ >= state::bound) {
            if (state_ == state::bound) begin(state::renewing, now);
            if (now >= lease_.expires) {
                lose();
                begin(state::selecting, now);
            } else if (now >= lease_.rebind) {
                state_ = state::rebinding;
            }
        }
        send(now);
        return step_;
    }

    /// What a server said; null when it is not for us, not now, or not usable. The step is valid until the next call.
    const step* on_reply(const dhcp_reply& r, instant now) {
        if (r.client != mac_ || r.xid != xid_) return nullptr;
        const bool asked = state_ == state::requesting || state_ == state::renewing || state_ == state::rebinding;
        // In REBINDING any server may answer.
        const bool ours = asked && (state_ == state::rebinding || r.server == server_);
        const auto own = address_of(r);
        const bool nak = r.type == dhcp_type::nak;
        const bool offer = r.type == dhcp_type::offer;
        if (!nak && (!own || (!offer && r.address != address_))) return nullptr;
        if (offer ? state_ != state::selecting : !ours) return nullptr;
        step_ = {};
        if (nak) {
            lose();
            // With a pause, so that client and server do not chase each other.
            state_ = state::init;
            step_.wake = now + std::chrono::seconds(2) + jitter();
            return &step_;
        }
        server_ = r.server;
        if (offer) {
            address_ = r.address;
            state_ = state::requesting;
            tries_ = 0;
            send(now);
        } else {
            const cidr own_before = lease_.own;
            const ip4_address router_before = lease_.router;
            take_lease(r, *own, now, lease_);
            step_.lease_changed = lease_.own != own_before || lease_.router != router_before;
            step_.wake = lease_.renew;
            state_ = state::bound;
        }
        return &step_;
    }

private:
    // splitmix64.
    std::uint32_t random() {
        std::uint64_t z = random_ += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return static_cast<std::uint32_t>((z ^ z >> 31) >> 32);
    }

    // Up to a second either way (RFC 2131 section 4.1).
    duration jitter() { return std::chrono::microseconds(static_cast<std::int64_t>(random() % 2'000'000) - 1'000'000); }

    void begin(state s, instant now) {
        state_ = s;
        xid_ = random();
        began_ = now;
        tries_ = 0;
    }

    void lose() {
        step_.lease_changed = lease_.valid();
        lease_ = {};
    }

    // DISCOVER while there is nobody to ask for an address, otherwise REQUEST.
    void send(instant now) {
        dhcp_request& q = step_.send.emplace();
        q.xid = xid_;
        const std::int64_t seconds = (now - began_) / std::chrono::seconds(1);
        q.seconds = static_cast<std::uint16_t>(std::min<std::int64_t>(seconds, 0xffff));
        q.client = mac_;
        step_.to = ip4_address::broadcast();
        // RFC 2131 section 4.4, table 5.
        if (state_ != state::selecting) q.type = dhcp_type::request;
        if (state_ == state::requesting) {
            q.requested = address_;
            q.server = server_;
        } else if (state_ != state::selecting) {
            q.own = address_;
            if (state_ == state::renewing) step_.to = server_;
        }
        step_.wake = now + patience(now);
        ++tries_;
    }

    // RFC 2131 section 4.1: 4, 8, 16, 32, then 64 seconds, give or take one. Section 4.4.5: while the lease runs, half
    // of what is left of its phase, but not less than a minute.
    duration patience(instant now) {
        if (state_ == state::selecting || state_ == state::requesting) {
            return std::chrono::seconds(4 << (tries_ < 4 ? tries_ : 4)) + jitter();
        }
        const duration left = (state_ == state::renewing ? lease_.rebind : lease_.expires) - now;
        return std::min(left, std::max<duration>(left / 2, std::chrono::seconds(60)));
    }

    mac mac_;
    std::uint64_t random_;
    state state_ = state::init;
    std::uint8_t tries_ = 0;
    std::uint32_t xid_ = 0;
    instant began_;
    ip4_address address_;  // offered or leased
    ip4_address server_;   // whose that is
    dhcp_lease lease_;
    step step_;
};

}  // namespace uk::net
