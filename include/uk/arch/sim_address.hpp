// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/arch/sim_seat.hpp>
#include <uk/part.hpp>

#include <string_view>

namespace uk::sim {

/// The address of the host in a seat: 10.0.0.1 for number 0, and so on, in a network of 65,534 hosts.
constexpr ip4_address address_of(unsigned number) { return {0x0a00'0001 + number}; }

/// Takes the place of net::static_ip where hosts of one type have different addresses: `net::ip4<sim::address<host>>`.
template <class Host>
struct address {
    using needs = ports<port::ip>;
    using provides = ports<>;
    static constexpr std::string_view name = "sim::address";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) {
            os[port::ip].configure(cidr{address_of(detail::seat_of<Host>(os).number), 16}, {});
        }
    };
};

}  // namespace uk::sim
