// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/static_ip.hpp>

#include <doctest/doctest.h>

#include <optional>

using namespace fakes;
namespace net = uk::net;

namespace {

template <class Source>
struct host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<>, Source,
                                 uk::uses<uk::port::ip>>> {};

}  // namespace

TEST_CASE("the address is there from the start") {
    host<net::static_ip<"10.0.0.2/24"_cidr, "10.0.0.1"_ip4>> os;
    CHECK(os[uk::port::ip].network() == our_net);
    CHECK(os[uk::port::ip].router() == router_ip);
    os.inject(arp_frame(uk::mac::broadcast(), {net::arp_operation::request, peer_mac, peer_ip, {}, our_ip}));
    CHECK_FALSE(os.silent());
}

TEST_CASE("a router is not needed, and two hosts may share a link of their own") {
    host<net::static_ip<"10.0.0.0/31"_cidr>> os;
    CHECK(os[uk::port::ip].address() == "10.0.0.0"_ip4);
    CHECK(os[uk::port::ip].router().is_unspecified());
}

namespace {
struct careful : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<net::arp_limits{.probes = 3}>, net::ipv4<>,
                                    net::static_ip<"10.0.0.2/24"_cidr, "10.0.0.1"_ip4>,
                                    uk::uses<uk::port::ip, uk::port::neighbour>>> {
    uk::task<> start() {
        std::optional<uk::task<>> started;
        each([&](auto& object) {
            if constexpr (requires { object.start(); }) started.emplace(object.start());
        });
        return std::move(*started);
    }
    uk::ip4_address address() { return (*this)[uk::port::ip].address(); }
};
}  // namespace

TEST_CASE("where ARP probes, the start waits for the address to be free") {
    careful os;
    CHECK(os.address().is_unspecified());
    auto start = os.start();
    REQUIRE(start.start());
    os.run_for(4s);
    CHECK_FALSE(start.done());
    CHECK(os.address().is_unspecified());
    os.run_for(4s);
    REQUIRE(start.done());
    CHECK(start.take().has_value());
    CHECK(os.address() == our_ip);
    const octets claim = arp_frame(our_mac, {net::arp_operation::reply, peer_mac, our_ip, {}, our_ip});
    for (int i = 0; i < 5; ++i) os.inject(claim);
    CHECK(os.address() == our_ip);
}

TEST_CASE("where ARP probes, an address that somebody has is not taken") {
    careful os;
    auto start = os.start();
    REQUIRE(start.start());
    os.run_for(2s);
    os.inject(arp_frame(our_mac, {net::arp_operation::reply, peer_mac, our_ip, our_mac, {}}));
    REQUIRE(start.done());
    CHECK(start.take().error() == uk::error::in_use);
    CHECK(os.address().is_unspecified());
}
