// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/net/arp_guard.hpp>
#include <uk/part.hpp>
#include <uk/result.hpp>
#include <uk/stack_link.hpp>
#include <uk/task.hpp>
#include <uk/text.hpp>

#include <string_view>

namespace uk::net {

/// The address of a host that never changes, and optionally its router:
/// `net::static_ip<"10.0.0.2/24"_cidr, "10.0.0.1"_ip4>`. With `net::arp<{.probes = 3}>` the start waits until it is
/// sure that nobody else has it, and fails with `in_use` if somebody has; later it is defended for ever (RFC 5227
/// section 2.4 (c)).
template <cidr Own, ip4_address Router = ip4_address{}>
struct static_ip {
    using needs = ports<port::ip>;
    using provides = ports<>;
    static constexpr std::string_view name = "net::static_ip";

    static_assert(require<Own.address.is_unicast() && (Own.prefix >= 31 || (Own.address != Own.broadcast() &&
                                                                            (Own.address.value & ~Own.mask()) != 0)),
                          "net::static_ip: the address is not one that a host of the network can have.">());
    static_assert(require<Router.is_unspecified() || (Own.contains(Router) && Router != Own.address),
                          "net::static_ip: the router must be another host of the same network.">());

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {
            if constexpr (!probes_addresses<Stack>()) os[port::ip].configure(Own, Router);
        }

        uk::scheduler& scheduler() { return os_.scheduler(); }

        task<> start()
            requires(probes_addresses<Stack>())
        {
            os_[port::neighbour].probe(Own.address);
            while (os_[port::neighbour].probing()) co_await os_[port::neighbour].probed();
            if (os_[port::ip].address().is_unspecified()) co_return fail(error::in_use);
            co_return {};
        }

        void address_claimed(ip4_address, bool ours)
            requires(probes_addresses<Stack>())
        {
            if (ours) os_[port::ip].configure(Own, Router);
        }

    private:
        [[no_unique_address]] stack_link<Stack> os_;
    };
};

}  // namespace uk::net
