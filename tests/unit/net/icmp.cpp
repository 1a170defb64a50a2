// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

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
    static constexpr std::uint8_t ip_protocol = 6;
    void receive_datagram(uk::packet&&, const net::ipv4_datagram&) {}
    void receive_error(const net::icmp_error& e) {
        ++errors;
        last_code = e.code;
        quoted = e.quoted.size();
    }
    unsigned errors = 0;
    unsigned last_code = 0;
    std::size_t quoted = 0;
};

struct host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<>, net::icmp<>, listener,
                                 uk::uses<uk::port::ip>>> {
    host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        meet_peer();
    }
    auto counters() {
        using part = net::icmp<>::in<host::stack>;
        part::counters_type c;
        each([&](auto& object) {
            if constexpr (std::same_as<std::remove_cvref_t<decltype(object)>, part>) c = object.counters();
        });
        return c;
    }
    listener& heard() {
        listener* found = nullptr;
        each([&](auto& object) {
            if constexpr (requires { found = &object; }) found = &object;
        });
        return *found;
    }
};

octets icmp_frame(const octets& message, uk::ip4_address to = our_ip, uk::mac link = our_mac) {
    return ip_frame(peer_ip, to, 1, message, link);
}

octets unreachable(uk::ip4_address quoted_source, int type = 3, std::uint8_t protocol = 6) {
    net::ipv4_header h;
    h.protocol = protocol;
    h.source = quoted_source;
    h.destination = peer_ip;
    octets m = raw({type, 1, 0, 0, 0, 0, 0, 0}) + ip_datagram(h, octets(8));
    uk::store_be(m.data() + 2, net::checksum().add(m).value());
    return m;
}

}  // namespace

TEST_CASE("pings of any size are answered") {
    host os;
    for (std::size_t size : {0U, 1U, 56U, 1471U, 1472U}) {
        const octets payload(size, std::byte{0xa5});
        os.inject(icmp_frame(echo_request(payload)));
        const sent_frame f = os.take_ip();
        CHECK(f.link.destination == peer_mac);
        CHECK(f.ip.source == our_ip);
        CHECK(f.ip.destination == peer_ip);
        CHECK(f.ip.protocol == 1);
        CHECK(net::checksum().add(f.payload).value() == 0);
        REQUIRE(f.payload.size() == size + 8);
        CHECK(f.payload[0] == std::byte{0});
        CHECK(octets(f.payload.begin() + 4, f.payload.end()) == raw({0x12, 0x34, 0, 7}) + payload);
    }
    CHECK(os.counters().echoes == 5);
    CHECK(os.store().available() == uk::packets<>::count);
}

TEST_CASE("a ping by way of the router is answered to it") {
    host os;
    os.meet_peer(router_ip);
    os.inject(ip_frame("192.0.2.7"_ip4, our_ip, 1, echo_request({})));
    CHECK(os.take_ip().ip.destination == "192.0.2.7"_ip4);
}

TEST_CASE("broadcast pings are not answered") {
    host os;
    os.inject(icmp_frame(echo_request({}), "10.0.0.255"_ip4, uk::mac::broadcast()));
    os.inject(icmp_frame(echo_request({}), "255.255.255.255"_ip4));
    CHECK(os.silent());
    CHECK(os.counters().echo_to_group == 2);
}

TEST_CASE("bad messages are counted by their cause") {
    host os;
    for (std::size_t size = 0; size < 8; ++size) os.inject(icmp_frame(octets(size)));
    CHECK(os.counters().truncated == 8);
    octets wrong = echo_request(octets(9));
    wrong[12] ^= std::byte{1};
    os.inject(icmp_frame(wrong));
    CHECK(os.counters().bad_checksum == 1);
    octets coded = echo_request({});
    coded[1] = std::byte{1};
    coded[3] = static_cast<std::byte>(std::to_integer<int>(coded[3]) - 1);
    os.inject(icmp_frame(coded));
    os.inject(icmp_frame(unreachable(our_ip, 0)));
    os.inject(icmp_frame(unreachable(our_ip, 5)));
    CHECK(os.counters().ignored == 3);
    CHECK(os.silent());
    CHECK(os.heard().errors == 0);
}

TEST_CASE("errors about our datagrams are handed to their protocol, others are not") {
    host os;
    os.inject(icmp_frame(unreachable(our_ip, 3, 17)));
    CHECK(os.counters().errors == 1);
    CHECK(os.heard().errors == 0);
    os.inject(icmp_frame(unreachable(our_ip)));
    CHECK(os.heard().errors == 1);
    CHECK(os.heard().last_code == 1);
    CHECK(os.heard().quoted == 8);
    os.inject(icmp_frame(unreachable(peer_ip)));
    octets cut = unreachable(our_ip);
    cut.pop_back();
    uk::store_be(cut.data() + 2, std::uint16_t{0});
    uk::store_be(cut.data() + 2, net::checksum().add(cut).value());
    os.inject(icmp_frame(cut));
    os.inject(icmp_frame(unreachable(our_ip), "255.255.255.255"_ip4));
    CHECK(os.heard().errors == 1);
    CHECK(os.counters().bad_error == 3);
}

TEST_CASE("an unknown protocol is told to its sender, ten times a second at most") {
    host os;
    os.run_for(5s);
    const octets frame = ip_frame(peer_ip, our_ip, 99, octets(100, std::byte{7}));
    os.inject(frame);
    const sent_frame f = os.take_ip();
    CHECK(f.ip.destination == peer_ip);
    CHECK(f.ip.protocol == 1);
    CHECK(net::checksum().add(f.payload).value() == 0);
    REQUIRE(f.payload.size() == 8 + 68);
    CHECK(octets(f.payload.begin(), f.payload.begin() + 2) == raw({3, 2}));
    CHECK(octets(f.payload.begin() + 8, f.payload.end()) == octets(frame.begin() + 14, frame.begin() + 14 + 68));
    for (int i = 0; i < 20; ++i) os.inject(frame);
    CHECK(os.counters().errors_sent == 10);
    CHECK(os.counters().limited == 11);
    os.run_for(100ms);
    for (int i = 0; i < 20; ++i) os.inject(frame);
    CHECK(os.counters().errors_sent == 11);
    os.run_for(10s);
    for (int i = 0; i < 20; ++i) os.inject(frame);
    CHECK(os.counters().errors_sent == 21);
    os.run_for(10s);
    os.inject(ip_frame(peer_ip, "10.0.0.255"_ip4, 99, octets(8), uk::mac::broadcast()));
    CHECK(os.counters().errors_sent == 21);
}

TEST_CASE("an error that quotes a short datagram quotes all of it") {
    host os;
    os.inject(ip_frame(peer_ip, our_ip, 99, {}));
    CHECK(os.take_ip().payload.size() == 8 + 20);
}

TEST_CASE("a full card loses the answer, not the buffer") {
    host os;
    os.card().full = true;
    os.inject(icmp_frame(echo_request(octets(100))));
    os.inject(ip_frame(peer_ip, our_ip, 99, {}));
    CHECK(os.counters().not_sent == 2);
    CHECK(os.store().available() == uk::packets<>::count);
}

namespace {
struct strict_host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<>,
                                        net::icmp<net::icmp_limits{.errors_per_second = 1, .parameter_problems = true}>,
                                        uk::uses<uk::port::ip>>> {
    strict_host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        meet_peer();
    }
    // Options no operation, record route of length 3, and one of length 0.
    void send_bad_options(uk::ip4_address from, uk::ip4_address to, std::uint16_t fragment = 0,
                          uk::mac link = our_mac) {
        net::ipv4_header h;
        h.source = from;
        h.destination = to;
        h.fragment = fragment;
        octets d = ip_datagram(h, raw({1, 7, 3, 4, 99, 0, 0, 0}) + octets(8));
        d[0] = std::byte{0x47};
        uk::store_be(d.data() + 10, std::uint16_t{0});
        uk::store_be(d.data() + 10, net::checksum_of(uk::bytes(d).first(28)));
        inject(ethernet_frame(link, peer_mac, 0x0800, d));
    }
};
}  // namespace

TEST_CASE("who is asked to tells of malformed options, where they are") {
    strict_host os;
    os.send_bad_options(peer_ip, our_ip);
    const sent_frame f = os.take_ip();
    CHECK(f.ip.destination == peer_ip);
    REQUIRE(f.payload.size() == 8 + 36);
    CHECK(octets(f.payload.begin(), f.payload.begin() + 2) == raw({12, 0}));
    CHECK(f.payload[4] == std::byte{24});
    CHECK(net::checksum_of(f.payload) == 0);
    os.send_bad_options("10.0.0.255"_ip4, our_ip);
    os.send_bad_options("224.0.0.1"_ip4, our_ip);
    os.send_bad_options(peer_ip, "10.0.0.255"_ip4, 0, uk::mac::broadcast());
    os.send_bad_options(peer_ip, our_ip, 0, uk::mac::broadcast());
    os.send_bad_options(peer_ip, our_ip, 1);
    CHECK(os.silent());
}
