// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/part.hpp>
#include <uk/text.hpp>

#include <string_view>

namespace uk::net {

/// The address of a host that never changes, and optionally its router:
/// `net::static_ip<"10.0.0.2/24"_cidr, "10.0.0.1"_ip4>`.
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
        explicit in(Stack& os) { os[port::ip].configure(Own, Router); }
    };
};

}  // namespace uk::net
