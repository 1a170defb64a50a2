// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/event.hpp>
#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/udp.hpp>

#include <doctest/doctest.h>

#include <optional>

using namespace fakes;
namespace net = uk::net;

namespace {

struct owner_of_68 {
    using needs = uk::ports<uk::port::udp>;
    using provides = uk::ports<>;
    static constexpr std::uint16_t udp_port_number = 68;
    void receive_udp(uk::packet p, const net::udp_datagram& d) {
        payload = octets_of(p.contents());
        last = d;
    }
    octets payload;
    net::udp_datagram last;
};

using small_udp = net::udp<net::udp_limits{.sockets = 3, .queued = 2}>;

struct host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<>, net::icmp<>, small_udp,
                                 owner_of_68, uk::uses<uk::port::udp>>> {
    host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        meet_peer();
    }
    auto& udp() { return (*this)[uk::port::udp]; }
    auto& counters() { return udp().counters(); }
    void hear(std::uint16_t to_port, std::string_view text, std::uint16_t from_port = 5000) {
        inject(ip_frame(peer_ip, our_ip, 17, udp_payload(peer_ip, from_port, our_ip, to_port, octets_of(text))));
    }
};
using socket = std::remove_cvref_t<decltype(std::declval<host&>().udp().bind(1).value())>;

uk::task<uk::result<std::string>> receive(host&, socket& s) {
    auto d = co_await co_await s.receive();
    co_return std::string(uk::as_text(d.contents.contents())) + " from " + std::to_string(d.from_port);
}
uk::task<uk::result<std::string>> receive_within(host&, socket& s, uk::duration limit) {
    auto d = co_await co_await uk::within(limit, s.receive());
    co_return std::string(uk::as_text(d.contents.contents()));
}

}  // namespace

TEST_CASE("a datagram that has come is received at once, one to come is waited for") {
    host os;
    auto s = *os.udp().bind(7);
    CHECK(s.port() == 7);
    os.hear(7, "one");
    auto first = receive(os, s);
    REQUIRE(first.start());
    REQUIRE(first.done());
    CHECK(first.take().value() == "one from 5000");
    auto second = receive(os, s);
    REQUIRE(second.start());
    os.turn();
    CHECK_FALSE(second.done());
    os.hear(7, "two", 6000);
    REQUIRE(second.done());
    CHECK(second.take().value() == "two from 6000");
    CHECK(os.counters().received == 2);
}

TEST_CASE("receiving may be given a time, and given up") {
    host os;
    auto s = *os.udp().bind(7);
    {
        auto late = receive_within(os, s, 2s);
        REQUIRE(late.start());
        os.run_for(1900ms);
        CHECK_FALSE(late.done());
        os.run_for(200ms);
        REQUIRE(late.done());
        CHECK(late.take().error() == uk::error::timed_out);
    }
    {
        auto in_time = receive_within(os, s, 2s);
        REQUIRE(in_time.start());
        os.run_for(1s);
        os.hear(7, "now");
        REQUIRE(in_time.done());
        CHECK(in_time.take().value() == "now");
    }
    {
        auto dropped = receive(os, s);
        REQUIRE(dropped.start());
    }
    os.hear(7, "kept");
    auto next = receive(os, s);
    REQUIRE(next.start());
    REQUIRE(next.done());
    CHECK(next.take().value() == "kept from 5000");
}

TEST_CASE("a socket's end ends its receiver, and frees its port and its queue") {
    host os;
    std::optional<socket> s = *os.udp().bind(7);
    auto waiting = receive(os, *s);
    REQUIRE(waiting.start());
    s.reset();
    os.turn();
    REQUIRE(waiting.done());
    CHECK(waiting.take().error() == uk::error::closed);
    s = *os.udp().bind(7);
    os.hear(7, "left behind");
    CHECK(os.store().available() == uk::packets<>::count - 1);
    s.reset();
    CHECK(os.store().available() == uk::packets<>::count);
    CHECK(os.udp().bind(7).has_value());
}

TEST_CASE("a receiver does not see the datagrams of its socket's successor") {
    host os;
    std::optional<socket> s = *os.udp().bind(7);
    auto waiting = receive(os, *s);
    REQUIRE(waiting.start());
    s.reset();
    s = *os.udp().bind(7);
    os.hear(7, "for the successor");
    REQUIRE(waiting.done());
    CHECK(waiting.take().error() == uk::error::closed);
}

TEST_CASE("a moved socket goes on receiving") {
    host os;
    socket a = *os.udp().bind(7);
    socket b = std::move(a);
    socket c = *os.udp().bind(8);
    c = std::move(b);
    CHECK(os.udp().bind(8).has_value());
    CHECK(os.udp().bind(7).error() == uk::error::in_use);
    os.hear(7, "here");
    auto t = receive(os, c);
    REQUIRE(t.start());
    CHECK(t.done());
}

TEST_CASE("ports and sockets are limited") {
    host os;
    auto a = os.udp().bind(7);
    CHECK(os.udp().bind(7).error() == uk::error::in_use);
    CHECK(os.udp().bind(68).error() == uk::error::in_use);
    auto b = os.udp().bind(0);
    auto c = os.udp().bind(0);
    REQUIRE(b);
    REQUIRE(c);
    CHECK(b->port() >= 49152);
    CHECK(c->port() >= 49152);
    CHECK(b->port() != c->port());
    CHECK(os.udp().bind(9).error() == uk::error::too_large);
}

TEST_CASE("the queue is bounded, and keeps the oldest in order") {
    host os;
    auto s = *os.udp().bind(7);
    for (const char* text : {"1", "2", "3"}) os.hear(7, text);
    CHECK(os.counters().queue_full == 1);
    CHECK(os.store().available() == uk::packets<>::count - 2);
    for (const char* text : {"1 from 5000", "2 from 5000", "4 from 5000"}) {
        auto t = receive(os, s);
        REQUIRE(t.start());
        CHECK(t.take().value() == text);
        os.hear(7, "4");
    }
}

TEST_CASE("what lies behind the datagram's length is not received") {
    host os;
    auto s = *os.udp().bind(7);
    os.inject(ip_frame(peer_ip, our_ip, 17, udp_payload(peer_ip, 5000, our_ip, 7, octets_of("this")) + octets(9)));
    auto t = receive(os, s);
    REQUIRE(t.start());
    CHECK(t.take().value() == "this from 5000");
}

TEST_CASE("a part has its port") {
    host os;
    os.hear(68, "offer", 67);
    CHECK(os.counters().received == 1);
    CHECK(os.counters().no_socket == 0);
    CHECK(os.silent());
    os.each([](auto& object) {
        if constexpr (requires { object.udp_port_number; }) {
            CHECK(object.payload == octets_of("offer"));
            CHECK(object.last.from == peer_ip);
            CHECK(object.last.to == our_ip);
            CHECK(object.last.from_port == 67);
            CHECK(object.last.to_port == 68);
        }
    });
}

TEST_CASE("bad datagrams are counted by their cause, an unknown port is reported") {
    host os;
    os.inject(ip_frame(peer_ip, our_ip, 17, octets(7)));
    CHECK(os.counters().truncated == 1);
    octets u = udp_payload(peer_ip, 1, our_ip, 7, octets(4));
    u[5] = std::byte{13};
    os.inject(ip_frame(peer_ip, our_ip, 17, u));
    CHECK(os.counters().bad_length == 1);
    u[5] = std::byte{12};
    u[9] = std::byte{1};
    os.inject(ip_frame(peer_ip, our_ip, 17, u));
    CHECK(os.counters().bad_checksum == 1);
    os.hear(0, "");
    CHECK(os.counters().bad_port == 1);
    CHECK(os.silent());
    os.hear(9, "anybody?");
    CHECK(os.counters().no_socket == 1);
    const sent_frame f = os.take_ip();
    CHECK(f.ip.protocol == 1);
    CHECK(octets(f.payload.begin(), f.payload.begin() + 2) == raw({3, 3}));
    CHECK(octets(f.payload.begin() + 8 + 20, f.payload.end()) ==
          udp_payload(peer_ip, 5000, our_ip, 9, octets_of("anybody?")));
    os.inject(ip_frame(peer_ip, "10.0.0.255"_ip4, 17, udp_payload(peer_ip, 1, "10.0.0.255"_ip4, 9, {}),
                       uk::mac::broadcast()));
    CHECK(os.counters().no_socket == 2);
    CHECK(os.silent());
    CHECK(os.store().available() == uk::packets<>::count);
}

namespace {
// What the router says about a datagram from our port 7 to `to_port` of `to`.
octets told(int type, int code, uk::ip4_address to, std::uint16_t to_port, std::uint16_t our_port = 7) {
    net::ipv4_header h;
    h.protocol = 17;
    h.source = our_ip;
    h.destination = to;
    octets m = raw({type, code, 0, 0, 0, 0, 0, 0}) + ip_datagram(h, udp_payload(our_ip, our_port, to, to_port, {}));
    net::seal_icmp(m);
    return ip_frame(router_ip, our_ip, 1, m);
}
}  // namespace

TEST_CASE("a connected socket hears its peer alone, and of errors") {
    host os;
    auto s = *os.udp().bind(7);
    os.inject(told(3, 3, peer_ip, 5000));  // not connected: nobody's
    s.connect(peer_ip, 5000);
    CHECK(s.send(uk::as_bytes("hello")).has_value());
    CHECK(os.take_ip().payload == udp_payload(our_ip, 7, peer_ip, 5000, octets_of("hello")));
    os.hear(7, "from elsewhere", 5001);
    CHECK(os.counters().no_socket == 1);
    auto t = receive(os, s);
    REQUIRE(t.start());
    SUBCASE("a datagram") {
        os.hear(7, "answer");
        REQUIRE(t.done());
        CHECK(t.take().value() == "answer from 5000");
    }
    SUBCASE("an error ends a pending receive") {
        os.inject(told(3, 3, peer_ip, 5000));
        REQUIRE(t.done());
        CHECK(t.take().error() == uk::error::refused);
        CHECK(s.send({}).has_value());
    }
    SUBCASE("others' errors, and transient ones, do not") {
        os.inject(told(3, 3, peer_ip, 5001));
        os.inject(told(3, 3, router_ip, 5000));
        os.inject(told(3, 3, peer_ip, 5000, 8));
        os.inject(told(11, 0, peer_ip, 5000));
        CHECK_FALSE(t.done());
    }
}

TEST_CASE("an error that nobody waits for is reported by the next operation, once") {
    host os;
    auto s = *os.udp().bind(7);
    s.connect(peer_ip, 5000);
    using uk::error;
    for (auto [code, what] : {std::pair{1, error::unreachable}, {2, error::refused}, {4, error::too_large}}) {
        os.inject(told(3, code, peer_ip, 5000));
        CHECK(s.send({}).error() == what);
        CHECK(s.send({}).has_value());
    }
    os.hear(7, "before");
    os.inject(told(3, 3, peer_ip, 5000));
    auto first = receive(os, s);
    REQUIRE(first.start());
    CHECK(first.take().value() == "before from 5000");
    auto second = receive(os, s);
    REQUIRE(second.start());
    CHECK(second.take().error() == uk::error::refused);
}

TEST_CASE("sending copies, and fails with the reason") {
    host os;
    auto s = *os.udp().bind(7);
    CHECK(s.send(peer_ip, 5000, uk::as_bytes("hello")).has_value());
    const sent_frame f = os.take_ip();
    CHECK(f.ip.destination == peer_ip);
    CHECK(f.ip.protocol == 17);
    CHECK(f.payload == udp_payload(our_ip, 7, peer_ip, 5000, octets_of("hello")));
    CHECK(os.udp().mtu() == 1472);
    CHECK(s.send(peer_ip, 5000, octets(1472)).has_value());
    CHECK(s.send(peer_ip, 5000, octets(1473)).error() == uk::error::too_large);
    CHECK(s.send(peer_ip, 5000, octets(100'000)).error() == uk::error::too_large);
    CHECK(s.send("127.0.0.1"_ip4, 5000, {}).error() == uk::error::unreachable);
    CHECK(os.counters().sent == 2);
    std::vector<uk::packet> hoard;
    while (uk::packet p = os.store().take()) hoard.push_back(std::move(p));
    CHECK(s.send(peer_ip, 5000, {}).error() == uk::error::no_buffers);
}

namespace {
struct group_host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>,
                                       net::ipv4<net::ipv4_limits{.groups = 2}>, net::icmp<>,
                                       net::udp<net::udp_limits{.groups = 2}>, uk::uses<uk::port::udp>>> {
    group_host() { (*this)[uk::port::ip].configure(our_net, router_ip); }
    auto& udp() { return (*this)[uk::port::udp]; }
    std::uint32_t hear(uk::ip4_address group, std::uint16_t port) {
        const auto before = udp().counters().received;
        inject(ip_frame(peer_ip, group, 17, udp_payload(peer_ip, 5000, group, port, octets_of("all")),
                        net::group_link(group)));
        return udp().counters().received - before;
    }
};
}  // namespace

TEST_CASE("a socket receives from the groups that it has joined") {
    group_host os;
    const auto group = "239.1.2.3"_ip4;
    const auto other = "239.1.2.4"_ip4;
    {
        auto s = *os.udp().bind(7);
        auto t = *os.udp().bind(8);
        CHECK(os.hear(group, 7) == 0);
        CHECK(s.join(group).has_value());
        CHECK(s.join(group).has_value());
        CHECK(os.hear(group, 7) == 1);
        CHECK(os.hear(group, 8) == 0);  // the host is a member, the socket is not
        CHECK(t.join(group).has_value());
        CHECK(t.join(other).has_value());
        CHECK(t.join("239.1.2.5"_ip4).error() == uk::error::too_large);
        CHECK(s.join(peer_ip).error() == uk::error::invalid);
        s.leave(group);
        s.leave(group);
        CHECK(os.hear(group, 7) == 0);
        CHECK(os.hear(group, 8) == 1);
        t.leave(other);
        CHECK(os.hear(other, 8) == 0);
        CHECK(t.send(group, 7, uk::as_bytes("hello")).has_value());
        CHECK(os.take_ip().link.destination == "01:00:5e:01:02:03"_mac);
        CHECK(os.silent());  // no errors about what came to groups
    }
    auto s = *os.udp().bind(8);
    CHECK(os.hear(group, 8) == 0);  // with a socket its memberships end
    CHECK(os[uk::port::ip].join(group).has_value());
    CHECK(os[uk::port::ip].join(other).has_value());
}
