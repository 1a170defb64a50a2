// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/igmp.hpp>
#include <uk/net/ipv4.hpp>

#include <doctest/doctest.h>

using namespace fakes;
namespace net = uk::net;

namespace {

constexpr uk::ip4_address one = "239.0.0.1"_ip4;
constexpr uk::ip4_address two = "239.0.0.2"_ip4;
constexpr uk::mac all_hosts_link = "01:00:5e:00:00:01"_mac;

struct host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<net::ipv4_limits{.groups = 3}>,
                                 net::icmp<>, net::igmp<net::igmp_limits{.groups = 2}>, uk::uses<uk::port::ip>>> {
    using part = net::igmp<net::igmp_limits{.groups = 2}>::in<host::stack>;
    auto& ip() { return (*this)[uk::port::ip]; }
    host() { ip().configure(our_net, router_ip); }
    auto counters() {
        part::counters_type c;
        each([&](auto& object) {
            if constexpr (std::same_as<std::remove_cvref_t<decltype(object)>, part>) c = object.counters();
        });
        return c;
    }
    void hear(octets m, uk::ip4_address to = net::all_hosts, std::uint8_t ttl = 1) {
        uk::store_be(m.data() + 2, std::uint16_t{0});
        uk::store_be(m.data() + 2, net::checksum_of(m));
        net::ipv4_header h;
        h.ttl = ttl;
        h.protocol = 2;
        h.source = router_ip;
        h.destination = to;
        inject(ethernet_frame(to.is_multicast() ? net::group_link(to) : our_mac, peer_mac, 0x0800, ip_datagram(h, m)));
    }
    // The next message's type, destination, and the octets behind its checksum.
    struct said {
        int type = 0;
        uk::ip4_address to;
        octets rest;
        bool operator==(const said&) const = default;
    };
    said next() {
        if (silent()) return {};
        const sent_frame f = take_ip();
        REQUIRE(f.ip.header_length == 24);
        REQUIRE(f.ip.ttl == 1);
        REQUIRE(f.link.destination == net::group_link(f.ip.destination));
        REQUIRE(net::checksum_of(f.payload) == 0);
        return {std::to_integer<int>(f.payload[0]), f.ip.destination, octets(f.payload.begin() + 4, f.payload.end())};
    }
};
const octets general2 = raw({0x11, 100, 0, 0, 0, 0, 0, 0});
const octets general3 = raw({0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0});
host::said report3(int record, int group) {
    return {0x22, "224.0.0.22"_ip4, raw({0, 0, 0, 1, record, 0, 0, 0, 239, 0, 0, group})};
}
host::said report2(int group) {
    return {0x16, {0xef000000U + static_cast<unsigned>(group)}, raw({239, 0, 0, group})};
}

}  // namespace

TEST_CASE("joining is reported twice, leaving once, and members are counted") {
    host os;
    CHECK(os.ip().join(one).has_value());
    CHECK(os.next() == report3(4, 1));
    CHECK(os.ip().join(one).has_value());
    CHECK(os.silent());
    os.run_for(2s);
    CHECK(os.next() == report3(4, 1));
    os.run_for(100s);
    CHECK(os.silent());
    os.ip().leave(one);
    CHECK(os.silent());
    os.ip().leave(one);
    CHECK(os.next() == report3(3, 1));
    os.ip().leave(one);
    CHECK(os.silent());
    CHECK(os.counters().sent == 3);
}

TEST_CASE("queries are answered within their time, for the groups meant") {
    host os;
    CHECK(os.ip().join(one).has_value());
    CHECK(os.ip().join(two).has_value());
    os.run_for(10s);
    os.card().from_stack.clear();
    SUBCASE("all") {
        os.hear(general3);
        os.run_for(10100ms);
        CHECK(os.card().from_stack.size() == 2);
    }
    SUBCASE("one") {
        os.hear(raw({0x11, 10, 0, 0, 239, 0, 0, 2, 2, 125, 0, 0}), two);
        os.run_for(1100ms);
        CHECK(os.next() == report3(2, 2));
        CHECK(os.silent());
    }
    SUBCASE("none") {
        os.hear(raw({0x11, 10, 0, 0, 239, 0, 0, 3, 2, 125, 0, 0}));
        os.run_for(10s);
        CHECK(os.silent());
    }
    CHECK(os.counters().queries == 1);
}

TEST_CASE("a sooner answer is not put off") {
    host os;
    CHECK(os.ip().join(one).has_value());
    os.run_for(10s);
    os.card().from_stack.clear();
    os.hear(raw({0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0}));
    os.hear(raw({0x11, 255, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0}));
    os.run_for(200ms);
    CHECK(os.next() == report3(2, 1));
}

TEST_CASE("a router of version 2 is spoken to in its language, until it has been gone for long") {
    host os;
    os.hear(general2);
    CHECK(os.ip().join(one).has_value());
    CHECK(os.next() == report2(1));
    os.run_for(11s);
    CHECK(os.next() == report2(1));
    os.hear(general2);
    os.run_for(11s);
    CHECK(os.next() == report2(1));
    os.hear(general2);
    os.hear(raw({0x16, 0, 0, 0, 239, 0, 0, 1}), one);  // somebody else has answered
    os.run_for(11s);
    CHECK(os.silent());
    CHECK(os.counters().others == 1);
    os.ip().leave(one);
    CHECK(os.next() == host::said{0x17, "224.0.0.2"_ip4, raw({239, 0, 0, 1})});
    os.run_for(260s);
    CHECK(os.ip().join(two).has_value());
    CHECK(os.next() == report3(4, 2));
}

TEST_CASE("groups are limited, and only groups can be joined") {
    host os;
    CHECK(os.ip().join(peer_ip).error() == uk::error::invalid);
    CHECK(os.ip().join("255.255.255.255"_ip4).error() == uk::error::invalid);
    for (auto g : {one, two, "239.0.0.3"_ip4}) CHECK(os.ip().join(g).has_value());
    CHECK(os.ip().join("239.0.0.4"_ip4).error() == uk::error::too_large);
    CHECK(os.card().from_stack.size() == 2);  // the third is received, but not reported
    os.ip().leave(two);
    CHECK(os.ip().join("239.0.0.4"_ip4).has_value());
}

TEST_CASE("224.0.0.1 is everybody's and never reported") {
    host os;
    CHECK(os.ip().join(net::all_hosts).has_value());
    os.hear(general3);
    os.run_for(20s);
    CHECK(os.silent());
}

TEST_CASE("malformed and foreign messages are counted by their cause, and answered by nothing") {
    host os;
    CHECK(os.ip().join(one).has_value());
    os.run_for(10s);
    os.card().from_stack.clear();
    os.inject(ip_frame(router_ip, net::all_hosts, 2, octets(7), all_hosts_link));
    CHECK(os.counters().truncated == 1);
    os.hear(general3, net::all_hosts, 2);
    os.hear(general3, our_ip);
    os.hear(raw({0x22, 0, 0, 0, 0, 0, 0, 0}));
    os.hear(raw({0x11, 10, 0, 0, 10, 0, 0, 1}));
    os.hear(raw({0x11, 10, 0, 0, 0, 0, 0, 0, 2, 125, 0, 9}));
    os.run_for(20s);
    CHECK(os.counters().ignored == 3);
    CHECK(os.counters().bad_group == 1);
    CHECK(os.counters().queries == 0);
    CHECK(os.silent());
    CHECK(os.store().available() == uk::packets<>::count);
}

TEST_CASE("a full card loses a report, not a buffer") {
    host os;
    os.card().full = true;
    CHECK(os.ip().join(one).has_value());
    CHECK(os.counters().not_sent == 1);
    os.card().full = false;
    os.run_for(2s);
    CHECK(os.next() == report3(4, 1));
    CHECK(os.store().available() == uk::packets<>::count);
}
