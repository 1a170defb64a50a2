// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/arp_guard.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace fakes;
using namespace uk::net;
using act = arp_guard::act;

namespace {

uk::instant at(uk::duration d) { return uk::instant{} + d; }

arp_packet packet(arp_operation op, uk::ip4_address sender, uk::ip4_address target) {
    return {op, peer_mac, sender, {}, target};
}

}  // namespace

TEST_CASE("an address is probed for in RFC 5227's times, then announced twice") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        arp_guard g;
        CHECK(g.next() == uk::instant::never());
        g.begin(our_ip, 3, seed, at(100s));
        CHECK(g.address() == our_ip);
        CHECK(g.next() >= at(100s));
        CHECK(g.next() <= at(101s));
        std::vector<uk::duration> waits;
        std::vector<act> acts;
        for (int i = 0; i < 6; ++i) {
            const uk::instant now = g.next();
            CHECK(g.on_time({now.ns - 1}) == act::none);
            acts.push_back(g.on_time(now));
            if (i < 5) waits.push_back(g.next() - now);
        }
        CHECK(acts == std::vector{act::probe, act::probe, act::probe, act::claim, act::announce, act::announce});
        for (std::size_t i : {0U, 1U}) {
            CHECK(waits[i] >= 1s);
            CHECK(waits[i] <= 2s);
        }
        CHECK(waits[2] == 2s);
        CHECK(waits[3] == 0s);
        CHECK(waits[4] == 2s);
        CHECK(g.next() == uk::instant::never());
    }
}

TEST_CASE("who has the address, or probes for it too, ends the probing") {
    const auto conflicts = [](const arp_packet& p) {
        arp_guard g;
        CHECK_FALSE(g.is_conflict(p));  // nothing asked
        g.begin(our_ip, 3, 1, {});
        const bool told = g.is_conflict(p);
        CHECK(g.probing() != told);
        CHECK_FALSE((told && g.is_conflict(p)));
        return told;
    };
    for (auto op : {arp_operation::request, arp_operation::reply}) {
        CHECK(conflicts(packet(op, our_ip, peer_ip)));
        CHECK(conflicts(packet(op, our_ip, {})));
        CHECK_FALSE(conflicts(packet(op, peer_ip, our_ip)));
        CHECK_FALSE(conflicts(packet(op, peer_ip, peer_ip)));
    }
    CHECK(conflicts(packet(arp_operation::request, {}, our_ip)));
    CHECK_FALSE(conflicts(packet(arp_operation::request, {}, peer_ip)));
}

TEST_CASE("an address is defended once in ten seconds") {
    arp_guard g;
    CHECK(g.may_defend(at(1s)));
    CHECK_FALSE(g.may_defend(at(2s)));
    CHECK_FALSE(g.may_defend(at(10s)));
    CHECK(g.may_defend(at(11s)));
}
