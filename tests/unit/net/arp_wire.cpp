// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <doctest/doctest.h>

using namespace fakes;
using namespace uk::net;

namespace {

octets good(arp_operation operation = arp_operation::request) {
    octets o(arp_packet::size);
    emit(arp_packet{operation, peer_mac, peer_ip, our_mac, our_ip}, o.data());
    return o;
}

octets with(std::size_t at, int value) {
    octets o = good();
    o[at] = static_cast<std::byte>(value);
    return o;
}

}  // namespace

TEST_CASE("a packet survives its way") {
    CHECK(good() == raw({0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x99, 10, 0, 0, 9, 2, 0, 0, 0, 0, 1, 10, 0, 0, 2}));
    const auto p = parse_arp(good(arp_operation::reply));
    REQUIRE(p);
    CHECK(p->operation == arp_operation::reply);
    CHECK(p->sender_link == peer_mac);
    CHECK(p->sender == peer_ip);
    CHECK(p->target_link == our_mac);
    CHECK(p->target == our_ip);
}

TEST_CASE("truncated packets are refused, padding is not") {
    const octets o = good();
    for (std::size_t size = 0; size < o.size(); ++size) CHECK_FALSE(parse_arp(uk::bytes(o).first(size)));
    CHECK(parse_arp(o + octets(18)));
}

TEST_CASE("other hardware, protocols and address lengths are refused") {
    for (std::size_t at = 0; at < 6; ++at) {
        for (int v = 0; v < 256; ++v) {
            CHECK(parse_arp(with(at, v)).has_value() == (good()[at] == static_cast<std::byte>(v)));
        }
    }
}

TEST_CASE("only requests and replies are ARP") {
    for (int v = 0; v < 256; ++v) CHECK(parse_arp(with(7, v)).has_value() == (v == 1 || v == 2));
    CHECK_FALSE(parse_arp(with(6, 1)));
}

TEST_CASE("a sender is one host") {
    CHECK_FALSE(parse_arp(with(8, 0x03)));  // a group
    arp_packet p{arp_operation::request, peer_mac, peer_ip, {}, our_ip};
    const auto refused = [&] {
        octets o(arp_packet::size);
        emit(p, o.data());
        return !parse_arp(o);
    };
    CHECK_FALSE(refused());
    for (auto a : {"224.0.0.1"_ip4, "255.255.255.255"_ip4, "127.0.0.1"_ip4, "0.0.0.1"_ip4, "240.0.0.1"_ip4}) {
        p.sender = a;
        CHECK(refused());
    }
    p.sender = {};
    CHECK_FALSE(refused());  // a probe
    p.operation = arp_operation::reply;
    CHECK(refused());
    p.sender = peer_ip;
    p.sender_link = {};
    CHECK(refused());
}
