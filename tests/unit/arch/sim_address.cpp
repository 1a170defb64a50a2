// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_address.hpp>

#include "sim_host.hpp"

#include <uk/net/ip4.hpp>

#include <doctest/doctest.h>

using namespace uk::literals;

namespace {

struct addressed : uk::sim::seated,
                   uk::stack<uk::sim::target<addressed>, uk::net::ip4<uk::sim::address<addressed>>,
                             uk::uses<uk::port::ip>> {
    explicit addressed(uk::sim::seat& s) : seated(s) {}
};

}  // namespace

TEST_CASE("a host has the address of its seat") {
    uk::sim::world w(1);
    uk::sim::seat s(w, 4);
    addressed host(s);
    CHECK(host[uk::port::ip].address() == "10.0.0.5"_ip4);
    CHECK(uk::sim::address_of(300) == "10.0.1.45"_ip4);
}
