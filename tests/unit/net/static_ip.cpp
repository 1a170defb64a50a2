// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/static_ip.hpp>

#include <doctest/doctest.h>

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
