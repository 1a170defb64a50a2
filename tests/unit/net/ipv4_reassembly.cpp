// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/counters.hpp>
#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/ipv4.hpp>

#include <doctest/doctest.h>

using namespace fakes;
namespace net = uk::net;

namespace {

struct listener {
    using needs = uk::ports<uk::port::ip>;
    using provides = uk::ports<>;
    static constexpr std::uint8_t ip_protocol = 200;
    void receive_datagram(uk::packet p, const net::ipv4_datagram& d) {
        payloads.push_back(octets_of(p.contents()));
        last = octets_of(d.original);
        group = d.group;
    }
    std::vector<octets> payloads;
    octets last;
    bool group = false;
};

struct host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>,
                                 net::ipv4<net::ipv4_limits{.reassemblies = 3, .reassembly_seconds = 20}>, net::icmp<>,
                                 listener, uk::uses<uk::port::ip>>> {
    host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        meet_peer();
    }
    auto& counters() { return (*this)[uk::port::ip].counters(); }
    listener& heard() {
        listener* found = nullptr;
        each([&](auto& object) {
            if constexpr (requires { found = &object; }) found = &object;
        });
        return *found;
    }
    static octets datagram(std::uint16_t id, std::size_t offset, bool more, const octets& payload,
                           uk::ip4_address from = peer_ip, std::uint8_t protocol = 200,
                           uk::ip4_address to = our_ip) {
        net::ipv4_header h;
        h.id = id;
        h.protocol = protocol;
        h.source = from;
        h.destination = to;
        h.fragment = static_cast<std::uint16_t>(offset / 8 | (more ? net::ipv4_header::more_fragments : 0U));
        return ip_datagram(h, payload);
    }
    void fragment(std::uint16_t id, std::size_t offset, bool more, const octets& payload,
                  uk::ip4_address from = peer_ip, std::uint8_t protocol = 200) {
        inject(ethernet_frame(our_mac, peer_mac, 0x0800, datagram(id, offset, more, payload, from, protocol)));
    }
    std::size_t held() { return uk::packets<>::count - store().available(); }
};

const octets first_part(8, std::byte{1});
const octets second_part(8, std::byte{2});
const octets last_part(3, std::byte{3});

}  // namespace

TEST_CASE("a datagram in fragments arrives whole") {
    host os;
    os.fragment(1, 16, false, last_part);
    os.fragment(1, 0, true, first_part);
    CHECK(os.held() == 1);
    os.fragment(1, 8, true, second_part);
    REQUIRE(os.heard().payloads.size() == 1);
    CHECK(os.heard().payloads[0] == first_part + second_part + last_part);
    CHECK(os.heard().last.size() == 20 + 19);
    CHECK_FALSE(os.heard().group);
    CHECK(os.counters().fragments == 3);
    CHECK(os.counters().reassembled == 1);
    CHECK(os.counters().received == 1);
    CHECK(os.held() == 0);
    os.run_for(100s);
    CHECK(os.silent());
}

TEST_CASE("a ping in fragments is answered in place") {
    host os;
    const octets ping = echo_request(octets(64, std::byte{9}));
    os.fragment(5, 0, true, octets(ping.begin(), ping.begin() + 40), peer_ip, 1);
    os.fragment(5, 40, false, octets(ping.begin() + 40, ping.end()), peer_ip, 1);
    const sent_frame f = os.take_ip();
    CHECK(f.payload.size() == ping.size());
    CHECK(f.payload[0] == std::byte{0});
    CHECK(net::checksum_of(f.payload) == 0);
}

TEST_CASE("datagrams that come at one time are told apart") {
    host os;
    os.fragment(1, 0, true, first_part);
    os.fragment(2, 0, true, second_part);
    os.fragment(1, 0, true, second_part, router_ip);
    os.fragment(1, 8, false, last_part, router_ip);
    os.fragment(2, 8, false, last_part);
    os.fragment(1, 8, false, last_part);
    REQUIRE(os.heard().payloads.size() == 3);
    CHECK(os.heard().payloads[0] == second_part + last_part);
    CHECK(os.heard().payloads[1] == second_part + last_part);
    CHECK(os.heard().payloads[2] == first_part + last_part);
    CHECK(os.held() == 0);
}

TEST_CASE("fragments that are late are dropped, and their sender told if the first is there") {
    host os;
    os.fragment(1, 0, true, first_part);
    os.run_for(10s);
    os.fragment(2, 8, true, second_part);
    os.run_for(9s);
    CHECK(os.held() == 2);
    os.run_for(2s);
    CHECK(os.held() == 1);
    const sent_frame f = os.take_ip();
    CHECK(f.ip.protocol == 1);
    CHECK(f.ip.destination == peer_ip);
    REQUIRE(f.payload.size() == 8 + 28);
    CHECK(octets(f.payload.begin(), f.payload.begin() + 2) == raw({11, 1}));
    CHECK(octets(f.payload.begin() + 8, f.payload.end()) == host::datagram(1, 0, true, first_part));
    os.run_for(10s);
    CHECK(os.held() == 0);
    CHECK(os.silent());
    CHECK(os.counters().reassembly_timed_out == 2);
    os.fragment(1, 8, false, last_part);
    CHECK(os.heard().payloads.empty());
}

TEST_CASE("nobody is told of what came to all") {
    host os;
    const octets d = host::datagram(1, 0, true, first_part, peer_ip, 200, "10.0.0.255"_ip4);
    os.inject(ethernet_frame(uk::mac::broadcast(), peer_mac, 0x0800, d));
    os.run_for(30s);
    CHECK(os.counters().reassembly_timed_out == 1);
    CHECK(os.silent());
}

TEST_CASE("overlapping fragments give the datagram up; a duplicate does not") {
    host os;
    os.fragment(1, 0, true, first_part);
    os.fragment(1, 0, true, first_part);
    CHECK(os.counters().overlapping == 0);
    os.fragment(1, 0, true, second_part);
    CHECK(os.counters().overlapping == 1);
    CHECK(os.held() == 0);
    os.fragment(1, 8, false, last_part);
    CHECK(os.heard().payloads.empty());
}

TEST_CASE("one source has no more than its share, and all together no more than the limit") {
    host os;
    for (std::uint16_t id = 0; id < 100; ++id) {
        os.fragment(id, 0, true, first_part);
        os.run_for(1ms);
    }
    CHECK(os.held() == 2);
    CHECK(os.counters().reassembly_evicted == 98);
    os.fragment(1, 0, true, first_part, router_ip);
    os.fragment(98, 8, false, last_part);
    CHECK(os.heard().payloads.size() == 1);
    for (unsigned i = 0; i < 100; ++i) {
        os.fragment(1, 0, true, first_part, {0x0a000040 + i});
        os.run_for(1ms);
        CHECK(os.held() <= 3);
    }
    os.fragment(1, 8, false, last_part, {0x0a000040 + 99});
    CHECK(os.heard().payloads.size() == 2);
}

TEST_CASE("bad fragments are counted by their cause") {
    host os;
    os.fragment(1, 0, true, octets(7));
    os.fragment(1, 65528, false, octets(8));
    CHECK(os.counters().bad_fragment == 2);
    os.fragment(2, 4096, true, octets(8));
    CHECK(os.counters().larger_than_buffer == 1);
    os.run_for(30s);
    CHECK(os.held() == 0);
    std::vector<uk::packet> hoard;
    while (os.store().available() > 1) hoard.push_back(os.store().take());
    os.fragment(3, 0, true, first_part);
    CHECK(os.counters().no_buffer == 1);
    CHECK(os.counters().fragments == 4);
}

TEST_CASE("the counters have a name each") {
    host os;
    os.fragment(1, 0, true, octets(7));
    unsigned found = 0;
    uk::counter_list(os.counters()).each([&](std::string_view name, std::uint32_t value) {
        if (name == "bad_fragment" && value == 1) ++found;
        if (name == "fragments" && value == 1) ++found;
    });
    CHECK(found == 2);
}
