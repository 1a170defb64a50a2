// SPDX-License-Identifier: BSL-1.0
#include "../fakes.hpp"

#include <uk/net/resolvers.hpp>
#include <uk/stack.hpp>

#include <doctest/doctest.h>

using namespace uk::literals;
namespace net = uk::net;

namespace {
struct host : uk::stack<fakes::machine, net::static_resolvers<"9.9.9.9"_ip4, "10.0.0.1"_ip4>,
                        uk::uses<uk::port::resolvers>> {};
struct without_domain {
    static std::span<const uk::ip4_address> resolvers() { return {}; }
};
}  // namespace

TEST_CASE("name servers are known in their order") {
    host os;
    const auto servers = os[uk::port::resolvers].resolvers();
    REQUIRE(servers.size() == 2);
    CHECK(servers[0] == "9.9.9.9"_ip4);
    CHECK(servers[1] == "10.0.0.1"_ip4);
    CHECK(os[uk::port::resolvers].domain().empty());
}

TEST_CASE("what a provider lacks is named") {
    CHECK(uk::port::resolvers_port::lacks<int>() == "std::span<const uk::ip4_address> resolvers()");
    CHECK(uk::port::resolvers_port::lacks<without_domain>() == "std::string_view domain()");
    CHECK(uk::port::resolvers_port::lacks<net::static_resolvers<"9.9.9.9"_ip4>>().empty());
}
