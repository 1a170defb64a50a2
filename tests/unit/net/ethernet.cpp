// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/ethernet.hpp>

#include <doctest/doctest.h>

using namespace fakes;
namespace net = uk::net;

namespace {

template <std::uint16_t Type>
struct listener {
    using needs = uk::ports<uk::port::link>;
    using provides = uk::ports<>;
    static constexpr std::uint16_t ethertype = Type;
    void receive_frame(uk::packet p, const net::ethernet_header& h) {
        frames.push_back(octets_of(p.contents()));
        last = h;
    }
    void link_changed() { ++changes; }
    std::vector<octets> frames;
    net::ethernet_header last;
    unsigned changes = 0;
};

struct host : link_end<uk::stack<link_parts, net::ethernet<>, listener<0x88b5>, listener<0x88b6>,
                                 uk::uses<uk::port::link>>> {
    auto& link() { return (*this)[uk::port::link]; }
    std::size_t heard(std::uint16_t type) {
        std::size_t n = 0;
        each([&](auto& object) {
            if constexpr (requires { object.frames; }) n += object.ethertype == type ? object.frames.size() : 0;
        });
        return n;
    }
};

}  // namespace

TEST_CASE("a frame goes to whoever answers to its type, without its header") {
    host os;
    os.inject(ethernet_frame(our_mac, peer_mac, 0x88b5, raw({1, 2, 3})));
    os.inject(ethernet_frame(uk::mac::broadcast(), peer_mac, 0x88b6, raw({4})));
    CHECK(os.heard(0x88b5) == 1);
    CHECK(os.heard(0x88b6) == 1);
    os.each([&](auto& object) {
        if constexpr (requires { object.frames; }) {
            CHECK(object.last.source == peer_mac);
            CHECK(object.frames[0] == (object.ethertype == 0x88b5 ? raw({1, 2, 3}) : raw({4})));
        }
    });
    CHECK(os.link().counters().received == 2);
    CHECK(os.store().available() == uk::packets<>::count);
}

TEST_CASE("what is not for us is counted by its cause") {
    host os;
    for (std::size_t size = 0; size < 14; ++size) os.inject(octets(size));
    CHECK(os.link().counters().truncated == 14);
    os.inject(ethernet_frame(our_mac, peer_mac, 46, octets(46)));
    CHECK(os.link().counters().not_ethernet2 == 1);
    os.inject(ethernet_frame(our_mac, uk::mac::broadcast(), 0x88b5, {}));
    CHECK(os.link().counters().bad_source == 1);
    os.inject(ethernet_frame(peer_mac, peer_mac, 0x88b5, {}));
    os.inject(ethernet_frame("01:00:5e:00:00:01"_mac, peer_mac, 0x88b5, {}));
    CHECK(os.link().counters().not_for_us == 2);
    os.inject(ethernet_frame(our_mac, peer_mac, 0x1234, {}));
    CHECK(os.link().counters().unknown_type == 1);
    CHECK(os.heard(0x88b5) == 0);
    CHECK(os.store().available() == uk::packets<>::count);
}

TEST_CASE("a flood is taken in bursts") {
    host os;
    for (int i = 0; i < 40; ++i) os.card().to_stack.push_back(ethernet_frame(our_mac, peer_mac, 0x88b5, {}));
    CHECK(os.link().poll());
    CHECK(os.heard(0x88b5) == 32);
    CHECK(os.link().poll());
    CHECK(os.heard(0x88b5) == 40);
    CHECK_FALSE(os.link().poll());
}

TEST_CASE("sending puts the header in front, in one piece or two") {
    host os;
    const octets body = raw({3, 4});
    CHECK(os.link().send(peer_mac, 0x88b5, {os.packet_of(raw({1, 2})), body}));
    CHECK(os.take() == ethernet_frame(peer_mac, our_mac, 0x88b5, raw({1, 2, 3, 4})));
    CHECK(os.link().send(peer_mac, 0x88b5, {os.packet_of(octets(1500))}));
    CHECK_FALSE(os.link().send(peer_mac, 0x88b5, {os.packet_of(octets(1500)), body}));
    CHECK(os.link().counters().too_long == 1);
    os.card().full = true;
    CHECK_FALSE(os.link().send(peer_mac, 0x88b5, {os.packet_of(raw({1}))}));
    CHECK(os.link().counters().card_full == 1);
    CHECK(os.link().counters().sent == 2);
    CHECK(os.store().available() == uk::packets<>::count);
}

TEST_CASE("a link that comes up is told to who wants to know, once") {
    host os;
    const auto changes = [&] {
        unsigned n = 0;
        os.each([&](auto& object) {
            if constexpr (requires { object.changes; }) n += object.changes;
        });
        return n;
    };
    os.turn();
    CHECK(changes() == 0);
    os.card().came_up = true;
    os.inject(octets(64));  // not in a turn that brings frames
    CHECK(changes() == 0);
    os.turn();
    os.turn();
    CHECK(changes() == 2);
}
