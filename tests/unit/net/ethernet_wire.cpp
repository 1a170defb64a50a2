// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <doctest/doctest.h>

using namespace fakes;
using namespace uk::net;

TEST_CASE("a header survives its way") {
    const octets frame = ethernet_frame(our_mac, peer_mac, 0x0800, raw({1, 2, 3}));
    REQUIRE(frame.size() == 17);
    CHECK(octets(frame.begin(), frame.begin() + 14) ==
          raw({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x99, 0x08, 0x00}));
    const auto h = parse_ethernet(frame);
    REQUIRE(h);
    CHECK(h->destination == our_mac);
    CHECK(h->source == peer_mac);
    CHECK(h->ethertype == 0x0800);
}

TEST_CASE("runt frames have no header") {
    for (std::size_t size = 0; size < 14; ++size) CHECK_FALSE(parse_ethernet(octets(size)));
    CHECK(parse_ethernet(octets(14)));
}

TEST_CASE("a length is not a type") {
    CHECK_FALSE(ethernet_header{{}, {}, 0x5ff}.has_type());
    CHECK_FALSE(ethernet_header{{}, {}, 46}.has_type());
    CHECK(ethernet_header{{}, {}, 0x600}.has_type());
}

TEST_CASE("a group's address has its low 23 bits") {
    CHECK(uk::net::group_link("224.0.0.1"_ip4) == "01:00:5e:00:00:01"_mac);
    CHECK(uk::net::group_link("239.255.255.255"_ip4) == "01:00:5e:7f:ff:ff"_mac);
    CHECK(uk::net::group_link("239.128.2.3"_ip4) == "01:00:5e:00:02:03"_mac);
}
