// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>

#include <doctest/doctest.h>

using namespace fakes;
namespace net = uk::net;
using net::arp_operation;

namespace {

template <net::arp_limits Limits>
struct host_with : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<Limits>, uk::uses<uk::port::neighbour>>> {
    host_with() { arp().set_address(our_ip); }
    auto& arp() { return (*this)[uk::port::neighbour]; }
    bool send(uk::ip4_address to, const octets& datagram) { return arp().send_to(to, {this->packet_of(datagram)}); }
    void reply(uk::ip4_address from = peer_ip, uk::mac link = peer_mac) {
        this->inject(arp_frame(our_mac, {arp_operation::reply, link, from, our_mac, our_ip}));
    }
    void ask_us(uk::ip4_address from, uk::ip4_address whom = our_ip, uk::mac link = peer_mac) {
        this->inject(arp_frame(uk::mac::broadcast(), {arp_operation::request, link, from, {}, whom}));
    }
    bool all_back() { return this->store().available() == uk::packets<>::count; }
};
using host = host_with<net::arp_limits{}>;

octets request_for(uk::ip4_address whom, uk::mac to = uk::mac::broadcast()) {
    return arp_frame(to, {arp_operation::request, our_mac, our_ip, {}, whom});
}
octets datagram_to(uk::mac to, const octets& payload) { return ethernet_frame(to, our_mac, 0x0800, payload); }

const octets one = raw({1, 1});
const octets two = raw({2, 2});

}  // namespace

TEST_CASE("an unknown neighbour is asked, and gets the latest packet when it answers") {
    host os;
    CHECK(os.send(peer_ip, one));
    CHECK(os.take() == request_for(peer_ip));
    CHECK(os.send(peer_ip, two));
    CHECK(os.silent());
    CHECK(os.arp().counters().displaced == 1);
    os.reply();
    CHECK(os.take() == datagram_to(peer_mac, two));
    CHECK(os.send(peer_ip, one));
    CHECK(os.take() == datagram_to(peer_mac, one));
    CHECK(os.silent());
    CHECK(os.all_back());
}

TEST_CASE("a silent neighbour is asked once a second, then given up") {
    host os;
    os.run_for(10s);
    CHECK(os.send(peer_ip, one));
    for (unsigned asked = 1; asked <= 3; ++asked) {
        CHECK(os.take() == request_for(peer_ip));
        os.run_for(990ms);
        CHECK(os.silent());
        CHECK_FALSE(os.all_back());
        os.run_for(15ms);
    }
    CHECK(os.silent());
    CHECK(os.arp().counters().unanswered == 1);
    CHECK(os.all_back());
    os.run_for(60s);
    CHECK(os.silent());
    CHECK(os.send(peer_ip, two));
    CHECK(os.take() == request_for(peer_ip));
    os.reply();
    CHECK(os.take() == datagram_to(peer_mac, two));
}

TEST_CASE("neighbours are asked each in its own time") {
    host os;
    os.send(peer_ip, one);
    os.run_for(500ms);
    os.send(router_ip, one);
    CHECK(os.take() == request_for(peer_ip));
    CHECK(os.take() == request_for(router_ip));
    os.run_for(510ms);
    CHECK(os.take() == request_for(peer_ip));
    CHECK(os.silent());
    os.run_for(500ms);
    CHECK(os.take() == request_for(router_ip));
    CHECK(os.silent());
}

TEST_CASE("an answer past its time is used on while the neighbour is polled") {
    host os;
    os.ask_us(peer_ip);
    os.take();
    os.run_for(61s);
    CHECK(os.silent());
    CHECK(os.send(peer_ip, one));
    CHECK(os.take() == request_for(peer_ip, peer_mac));
    CHECK(os.take() == datagram_to(peer_mac, one));
    SUBCASE("it answers: nothing more is asked") {
        os.reply();
        os.run_for(30s);
        CHECK(os.silent());
        CHECK(os.send(peer_ip, two));
        CHECK(os.take() == datagram_to(peer_mac, two));
        CHECK(os.silent());
    }
    SUBCASE("it has moved: the new address is taken") {
        const uk::mac moved = "02:00:00:00:00:77"_mac;
        os.reply(peer_ip, moved);
        os.send(peer_ip, two);
        CHECK(os.take() == datagram_to(moved, two));
    }
    SUBCASE("it is gone: everybody is asked") {
        os.run_for(4s);
        CHECK(os.take() == request_for(peer_ip, peer_mac));
        CHECK(os.take() == request_for(peer_ip, peer_mac));
        CHECK(os.silent());
        os.send(peer_ip, two);
        CHECK(os.take() == request_for(peer_ip));
    }
}

TEST_CASE("a neighbour in doubt is asked at once, used on, and forgotten when it is silent") {
    host os;
    os.ask_us(peer_ip);
    os.take();
    os.arp().doubt(router_ip);  // not known
    CHECK(os.silent());
    os.arp().doubt(peer_ip);
    CHECK(os.take() == request_for(peer_ip, peer_mac));
    os.arp().doubt(peer_ip);
    CHECK(os.silent());
    CHECK(os.send(peer_ip, one));
    CHECK(os.take() == datagram_to(peer_mac, one));
    SUBCASE("it is still there") {
        os.reply();
        os.run_for(30s);
        CHECK(os.silent());
        CHECK(os.send(peer_ip, two));
        CHECK(os.take() == datagram_to(peer_mac, two));
    }
    SUBCASE("it is not") {
        os.run_for(4s);
        CHECK(os.take() == request_for(peer_ip, peer_mac));
        CHECK(os.take() == request_for(peer_ip, peer_mac));
        CHECK(os.send(peer_ip, two));
        CHECK(os.take() == request_for(peer_ip));
    }
}

TEST_CASE("requests for us are answered, others are not") {
    host os;
    os.ask_us(peer_ip);
    CHECK(os.take() == arp_frame(peer_mac, {arp_operation::reply, our_mac, our_ip, peer_mac, peer_ip}));
    os.send(peer_ip, one);  // who asked is known
    CHECK(os.take() == datagram_to(peer_mac, one));
    os.ask_us(peer_ip, router_ip);
    CHECK(os.silent());
    os.ask_us({});  // a probe: answered, to defend the address, but nobody is learnt
    CHECK(os.take() == arp_frame(peer_mac, {arp_operation::reply, our_mac, our_ip, peer_mac, {}}));
    CHECK(os.arp().counters().answered == 2);
    os.arp().set_address({});
    os.ask_us(peer_ip);
    os.ask_us(peer_ip, {});
    CHECK(os.silent());
}

TEST_CASE("a packet between others brings only known neighbours up to date") {
    host os;
    const uk::mac moved = "02:00:00:00:00:77"_mac;
    os.ask_us(peer_ip);
    os.take();
    os.ask_us(peer_ip, router_ip, moved);
    os.send(peer_ip, one);
    CHECK(os.take() == datagram_to(moved, one));
    os.ask_us("10.0.0.77"_ip4, router_ip);
    os.send("10.0.0.77"_ip4, one);
    CHECK(os.take() == request_for("10.0.0.77"_ip4));
}

TEST_CASE("replies that nobody asked for teach nothing") {
    host os;
    os.reply();
    CHECK(os.arp().counters().unasked == 1);
    os.send(peer_ip, one);
    CHECK(os.take() == request_for(peer_ip));
}

TEST_CASE("a conflict over our address is counted, and changes nothing") {
    host os;
    os.ask_us(our_ip);
    os.reply(our_ip);
    CHECK(os.silent());
    CHECK(os.arp().counters().conflicts == 2);
    os.ask_us(our_ip, our_ip, our_mac);  // our own, come back
    CHECK(os.arp().counters().conflicts == 2);
}

TEST_CASE("malformed packets are counted and dropped") {
    host os;
    for (std::size_t size = 0; size < 28; ++size) os.inject(ethernet_frame(our_mac, peer_mac, 0x0806, octets(size)));
    CHECK(os.arp().counters().malformed == 28);
    CHECK(os.silent());
}

TEST_CASE("the table is bounded: the neighbour unused longest makes room") {
    host_with<net::arp_limits{.entries = 2}> os;
    os.ask_us("10.0.0.11"_ip4);
    os.ask_us("10.0.0.12"_ip4);
    os.card().from_stack.clear();
    os.send("10.0.0.11"_ip4, one);
    os.ask_us("10.0.0.13"_ip4);
    os.card().from_stack.clear();
    CHECK(os.arp().counters().evicted == 1);
    os.send("10.0.0.11"_ip4, one);
    CHECK(os.take() == datagram_to(peer_mac, one));
    os.send("10.0.0.12"_ip4, one);
    CHECK(os.take() == request_for("10.0.0.12"_ip4));
    os.send("10.0.0.11"_ip4, one);
    os.card().from_stack.clear();
    // 12 was used before 11, yet it is kept rather than 11: a packet waits for its answer.
    os.ask_us("10.0.0.14"_ip4);
    os.card().from_stack.clear();
    os.reply("10.0.0.12"_ip4);
    CHECK(os.take() == datagram_to(peer_mac, one));
    for (int i = 20; i < 40; ++i) os.send({our_ip.value + static_cast<std::uint32_t>(i)}, one);
    CHECK(os.store().available() >= uk::packets<>::count - 2);
    os.run_for(10s);
    CHECK(os.all_back());
}

TEST_CASE("a probe makes nobody be forgotten") {
    host_with<net::arp_limits{.entries = 1}> os;
    os.ask_us(peer_ip);
    os.ask_us({});
    os.card().from_stack.clear();
    os.send(peer_ip, one);
    CHECK(os.take() == datagram_to(peer_mac, one));
}

TEST_CASE("a new address forgets the old network") {
    host os;
    os.ask_us(peer_ip);
    os.send(router_ip, one);
    os.card().from_stack.clear();
    os.arp().set_address(our_ip);
    CHECK(os.all_back());
    os.run_for(5s);
    CHECK(os.silent());
    os.send(peer_ip, one);
    CHECK(os.take() == request_for(peer_ip));
}

TEST_CASE("without buffers requests are not sent, but tried again") {
    host os;
    std::vector<uk::packet> hoard;
    uk::packet last = os.packet_of(one);
    while (uk::packet p = os.store().take()) hoard.push_back(std::move(p));
    CHECK(os.arp().send_to(peer_ip, {std::move(last)}));
    CHECK(os.silent());
    CHECK(os.arp().counters().no_buffer == 1);
    hoard.clear();
    os.run_for(1100ms);
    CHECK(os.take() == request_for(peer_ip));
}

namespace {

struct claimant {
    using needs = uk::ports<uk::port::neighbour>;
    using provides = uk::ports<>;
    template <class Stack>
    struct in {
        explicit in(Stack& s) : os(s) {}
        void address_claimed(uk::ip4_address a, bool is_ours) {
            address = a;
            ours = is_ours;
            ++told;
            if (ours) os[uk::port::neighbour].set_address(a);
        }
        Stack& os;
        uk::ip4_address address;
        bool ours = false;
        unsigned told = 0;
    };
};

struct guarded : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<net::arp_limits{.probes = 3}>, claimant,
                                    uk::uses<uk::port::neighbour>>> {
    auto& arp() { return (*this)[uk::port::neighbour]; }
    auto& heard() {
        typename claimant::in<guarded::stack>* found = nullptr;
        each([&](auto& object) {
            if constexpr (requires { found = &object; }) found = &object;
        });
        return *found;
    }
    void conflict() { inject(arp_frame(uk::mac::broadcast(), {arp_operation::request, peer_mac, our_ip, {}, our_ip})); }
    void claim() {
        arp().probe(our_ip);
        run_for(20s);
        card().from_stack.clear();
    }
};

const octets probe = arp_frame(uk::mac::broadcast(), {arp_operation::request, our_mac, {}, {}, our_ip});
const octets announcement = request_for(our_ip);

}  // namespace

TEST_CASE("an address is probed for, claimed and announced (RFC 5227)") {
    guarded os;
    os.arp().probe(our_ip);
    CHECK(os.silent());
    os.run_for(20s);
    for (int i = 0; i < 3; ++i) CHECK(os.take() == probe);
    for (int i = 0; i < 2; ++i) CHECK(os.take() == announcement);
    CHECK(os.silent());
    CHECK(os.heard().told == 1);
    CHECK(os.heard().ours);
    CHECK(os.heard().address == our_ip);
}

TEST_CASE("an address that somebody has or wants is not claimed") {
    guarded os;
    os.arp().probe(our_ip);
    os.run_for(3s);
    SUBCASE("who has it") { os.inject(arp_frame(our_mac, {arp_operation::reply, peer_mac, our_ip, our_mac, {}})); }
    SUBCASE("who wants it") {
        os.inject(arp_frame(uk::mac::broadcast(), {arp_operation::request, peer_mac, {}, {}, our_ip}));
    }
    CHECK(os.heard().told == 1);
    CHECK_FALSE(os.heard().ours);
    CHECK(os.arp().counters().conflicts == 1);
    os.card().from_stack.clear();
    os.run_for(20s);
    CHECK(os.silent());
    CHECK(os.heard().told == 1);
}

TEST_CASE("our own probes, come back, are no conflict") {
    guarded os;
    os.arp().probe(our_ip);
    os.inject(probe);
    os.run_for(20s);
    CHECK(os.heard().ours);
}

TEST_CASE("an address is defended, and given up when that does not help") {
    guarded os;
    os.claim();
    os.conflict();
    CHECK(os.take() == announcement);
    CHECK(os.heard().told == 1);
    os.run_for(11s);
    os.conflict();
    CHECK(os.take() == announcement);
    CHECK(os.heard().told == 1);
    os.run_for(5s);
    os.conflict();
    CHECK(os.silent());
    CHECK(os.heard().told == 2);
    CHECK_FALSE(os.heard().ours);
    CHECK(os.arp().counters().conflicts == 3);
}

TEST_CASE("a link that comes up again has other neighbours") {
    guarded os;
    os.claim();
    os.meet_peer();
    os.arp().link_changed();
    CHECK(os.take() == announcement);
    os.arp().send_to(peer_ip, {os.packet_of(one)});
    CHECK(os.take() == request_for(peer_ip));
    os.arp().set_address({});
    os.arp().link_changed();
    CHECK(os.silent());
}

TEST_CASE("an address given up before its announcements is not announced") {
    guarded os;
    os.arp().probe(our_ip);
    while (os.heard().told == 0) os.run_for(100ms);
    os.arp().set_address(peer_ip);
    os.card().from_stack.clear();
    os.run_for(20s);
    CHECK(os.silent());
}
