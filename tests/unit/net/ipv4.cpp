// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
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
        originals.push_back(octets_of(d.original));
        last = d;
    }
    std::vector<octets> payloads;
    std::vector<octets> originals;
    net::ipv4_datagram last;
};

/// Takes UDP, and what nobody answers to.
struct others {
    using needs = uk::ports<uk::port::ip>;
    using provides = uk::ports<>;
    static constexpr std::uint8_t ip_protocol = 17;
    void receive_datagram(uk::packet, const net::ipv4_datagram&) { ++udp; }
    void protocol_unreachable(const net::ipv4_datagram&) { ++unreachable; }
    unsigned udp = 0;
    unsigned unreachable = 0;
};

struct host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<>, listener, others,
                                 uk::uses<uk::port::ip>>> {
    auto& ip() { return (*this)[uk::port::ip]; }
    explicit host(bool configured = true) {
        if (configured) ip().configure(our_net, router_ip);
    }
    auto& counters() { return ip().counters(); }
    template <class Part>
    Part& part() {
        Part* found = nullptr;
        each([&](auto& object) {
            if constexpr (requires(Part* p) { p = &object; }) found = &object;
        });
        return *found;
    }
    std::size_t heard() { return part<listener>().payloads.size(); }
    uk::result<> send(uk::ip4_address to, const octets& payload = raw({1, 2, 3})) {
        return ip().send(to, 200, {packet_of(payload)});
    }
};

octets good(const octets& payload = raw({1, 2, 3, 4})) { return ip_frame(peer_ip, our_ip, 200, payload); }

}  // namespace

TEST_CASE("a datagram goes to whoever answers to its protocol, without header and padding") {
    host os;
    os.inject(good() + octets(22));
    REQUIRE(os.heard() == 1);
    auto& l = os.part<listener>();
    CHECK(l.payloads[0] == raw({1, 2, 3, 4}));
    const octets frame = good();
    CHECK(l.originals[0] == octets(frame.begin() + 14, frame.end()));
    CHECK(l.last.source == peer_ip);
    CHECK(l.last.destination == our_ip);
    CHECK(l.last.protocol == 200);
    CHECK(l.last.ttl == 64);
    CHECK_FALSE(l.last.group);
    CHECK(os.counters().received == 1);
}

TEST_CASE("datagrams to all are ours, and marked") {
    host os;
    for (auto to : {"255.255.255.255"_ip4, "10.0.0.255"_ip4}) {
        os.inject(ip_frame(peer_ip, to, 200, {}, uk::mac::broadcast()));
        CHECK(os.part<listener>().last.group);
    }
    CHECK(os.heard() == 2);
    os.inject(ip_frame(peer_ip, "10.0.0.255"_ip4, 200, {}));
    CHECK(os.heard() == 3);
    CHECK(os.part<listener>().last.group);
}

TEST_CASE("datagrams to others are not ours") {
    host os;
    for (auto to : {peer_ip, "10.0.1.255"_ip4, "224.0.0.1"_ip4, "127.0.0.1"_ip4, "0.0.0.0"_ip4}) {
        os.inject(ip_frame(peer_ip, to, 200, {}));
    }
    os.inject(ip_frame(peer_ip, our_ip, 200, {}, uk::mac::broadcast()));  // RFC 1122 section 3.3.6
    CHECK(os.heard() == 0);
    CHECK(os.counters().not_for_us == 6);
}

TEST_CASE("a source is one host, and not us") {
    host os;
    for (auto from : {"0.0.0.0"_ip4, "127.0.0.1"_ip4, "224.0.0.1"_ip4, "240.0.0.1"_ip4, "255.255.255.255"_ip4,
                      "10.0.0.255"_ip4, our_ip}) {
        os.inject(ip_frame(from, our_ip, 200, {}));
    }
    CHECK(os.heard() == 0);
    CHECK(os.counters().bad_source == 7);
}

TEST_CASE("bad headers are counted by their cause") {
    host os;
    const auto with = [](std::size_t at, int value, bool right_sum) {
        octets f = good();
        f[14 + at] = static_cast<std::byte>(value);
        if (right_sum) {
            uk::store_be(f.data() + 24, std::uint16_t{0});
            uk::store_be(f.data() + 24, net::checksum().add(uk::bytes(f).subspan(14, 20)).value());
        }
        return f;
    };
    octets cut = good();
    cut.resize(14 + 19);
    os.inject(cut);
    CHECK(os.counters().truncated == 1);
    os.inject(with(0, 0x65, true));
    CHECK(os.counters().bad_version == 1);
    os.inject(with(0, 0x44, true));
    os.inject(with(0, 0x47, true));
    CHECK(os.counters().bad_header == 2);
    os.inject(with(3, 25, true));  // one more than there is
    os.inject(with(3, 19, true));
    CHECK(os.counters().bad_length == 2);
    os.inject(with(8, 1, false));
    CHECK(os.counters().bad_checksum == 1);
    octets options = ip_frame(peer_ip, our_ip, 200, raw({7, 0, 0, 0}));
    options[14] = std::byte{0x46};
    uk::store_be(options.data() + 24, std::uint16_t{0});
    uk::store_be(options.data() + 24, net::checksum().add(uk::bytes(options).subspan(14, 24)).value());
    os.inject(options);
    CHECK(os.counters().bad_options == 1);
    options[34] = std::byte{131};
    uk::store_be(options.data() + 24, std::uint16_t{0});
    uk::store_be(options.data() + 24, net::checksum().add(uk::bytes(options).subspan(14, 24)).value());
    os.inject(options);
    CHECK(os.counters().source_route == 1);
    CHECK(os.heard() == 0);
    CHECK(os.store().available() == uk::packets<>::count);
}

TEST_CASE("fragments are counted and dropped") {
    host os;
    net::ipv4_header h;
    h.protocol = 200;
    h.source = peer_ip;
    h.destination = our_ip;
    h.fragment |= net::ipv4_header::more_fragments;
    os.inject(ethernet_frame(our_mac, peer_mac, 0x0800, ip_datagram(h, octets(8))));
    h.fragment = 0;
    h.fragment = 0x1fff;
    os.inject(ethernet_frame(our_mac, peer_mac, 0x0800, ip_datagram(h, octets(8))));
    CHECK(os.counters().fragments == 2);
    CHECK(os.heard() == 0);
}

TEST_CASE("nested and unknown protocols are reported as unreachable") {
    host os;
    constexpr std::uint8_t unknown[] = {4, 41, 0, 255};
    for (auto protocol : unknown) os.inject(ip_frame(peer_ip, our_ip, protocol, good()));
    CHECK(os.counters().unknown_protocol == 4);
    CHECK(os.part<others>().unreachable == 4);
}

TEST_CASE("sending on the link, by the router, and to all") {
    host os;
    os.meet_peer();
    os.meet_peer(router_ip);
    CHECK(os.send(peer_ip).has_value());
    sent_frame f = os.take_ip();
    CHECK(f.link.destination == peer_mac);
    CHECK(f.ip.source == our_ip);
    CHECK(f.ip.destination == peer_ip);
    CHECK(f.ip.protocol == 200);
    CHECK(f.ip.ttl == 64);
    CHECK(f.ip.fragment == net::ipv4_header::dont_fragment);
    CHECK(f.payload == raw({1, 2, 3}));
    CHECK(os.send("192.0.2.1"_ip4).has_value());
    f = os.take_ip();
    CHECK(f.link.destination == peer_mac);
    CHECK(f.ip.destination == "192.0.2.1"_ip4);
    CHECK(f.ip.id == 0);  // the second tells nothing of the first
    for (auto all : {"255.255.255.255"_ip4, "10.0.0.255"_ip4}) {
        CHECK(os.send(all).has_value());
        f = os.take_ip();
        CHECK(f.link.destination == uk::mac::broadcast());
        CHECK(f.ip.destination == all);
    }
    CHECK(os.counters().sent == 4);
    CHECK(os.send("10.0.0.77"_ip4).has_value());  // unknown: asked for
    CHECK(os.take_ip().link.ethertype == 0x0806);
}

TEST_CASE("the next hop is asked when the way is in doubt") {
    host os;
    os.meet_peer();
    os.meet_peer(router_ip);
    for (const auto& [to, hop] : {std::pair{peer_ip, peer_ip}, {"192.0.2.1"_ip4, router_ip}}) {
        os.ip().doubt(to);
        const octets frame = os.take();
        REQUIRE(frame.size() >= 42);
        CHECK(uk::load_be<std::uint16_t>(frame.data() + 12) == 0x0806);
        CHECK(uk::load_be<std::uint32_t>(frame.data() + 38) == hop.value);
    }
    for (const auto nobody : {"255.255.255.255"_ip4, our_ip, "224.0.0.1"_ip4}) os.ip().doubt(nobody);
    CHECK(os.silent());
}

TEST_CASE("what cannot be sent is an error") {
    host os;
    os.meet_peer();
    for (auto to : {"224.0.0.1"_ip4, "127.0.0.1"_ip4, "0.0.0.0"_ip4, our_ip, "240.1.1.1"_ip4}) {
        CHECK(os.send(to).error() == uk::error::unreachable);
    }
    CHECK(os.counters().no_route == 5);
    CHECK(os.send(peer_ip, octets(1480)).has_value());
    CHECK(os.send(peer_ip, octets(1481)).error() == uk::error::too_large);
    CHECK(os.ip().mtu() == 1480);
    os.card().full = true;
    CHECK(os.send(peer_ip).error() == uk::error::no_buffers);
    CHECK(os.counters().link_dropped == 1);
    os.card().full = false;
    os.ip().configure(our_net, {});
    CHECK(os.send("192.0.2.1"_ip4).error() == uk::error::unreachable);
    CHECK(os.store().available() == uk::packets<>::count);
}

TEST_CASE("without an address only DHCP gets through") {
    host os(false);
    CHECK(os.send(peer_ip).error() == uk::error::unreachable);
    CHECK(os.send("10.0.0.255"_ip4).error() == uk::error::unreachable);
    CHECK(os.send(uk::ip4_address::broadcast()).has_value());
    CHECK(os.take_ip().ip.source == uk::ip4_address{});
    const auto udp_to = [](std::uint16_t port) { return udp_payload(peer_ip, 67, our_ip, port, octets(3)); };
    os.inject(ip_frame(peer_ip, our_ip, 17, udp_to(68)));
    CHECK(os.part<others>().udp == 1);
    os.inject(ip_frame(peer_ip, our_ip, 17, udp_to(67)));
    os.inject(ip_frame(peer_ip, our_ip, 17, octets(3)));
    os.inject(ip_frame(peer_ip, our_ip, 200, udp_to(68)));
    os.inject(ip_frame(peer_ip, {}, 200, udp_to(68)));
    CHECK(os.counters().not_for_us == 4);
    os.inject(ip_frame(peer_ip, uk::ip4_address::broadcast(), 200, {}, uk::mac::broadcast()));
    CHECK(os.heard() == 1);
}

namespace {
uk::task<uk::result<int>> wait_for_address(host& os) {
    while (os.ip().address().is_unspecified()) co_await os.ip().configured();
    co_return 1;
}
}  // namespace

TEST_CASE("whoever waits for an address hears of it") {
    host os(false);
    auto waiting = wait_for_address(os);
    REQUIRE(waiting.start());
    os.turn();
    CHECK_FALSE(waiting.done());
    os.ip().configure(our_net, router_ip);
    os.turn();
    CHECK(waiting.done());
    CHECK(os.ip().address() == our_ip);
    CHECK(os.ip().network() == our_net);
    CHECK(os.ip().router() == router_ip);
    os.meet_peer();
    os.ip().configure(our_net, router_ip);  // nothing new: the neighbours are kept
    CHECK(os.send(peer_ip).has_value());
    CHECK(os.take_ip().link.ethertype == 0x0800);
}

namespace {
struct member_host : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>,
                                        net::ipv4<net::ipv4_limits{.groups = 2}>, listener, uk::uses<uk::port::ip>>> {
    auto& ip() { return (*this)[uk::port::ip]; }
    member_host() { ip().configure(our_net, router_ip); }
    listener& heard() {
        listener* found = nullptr;
        each([&](auto& object) {
            if constexpr (requires { found = &object; }) found = &object;
        });
        return *found;
    }
    std::size_t hear(uk::ip4_address to, uk::mac link, uk::ip4_address from = peer_ip) {
        const std::size_t before = heard().payloads.size();
        inject(ip_frame(from, to, 200, raw({1}), link));
        return heard().payloads.size() - before;
    }
};
}  // namespace

TEST_CASE("what is sent to a group is received by its members") {
    member_host os;
    const auto group = "239.129.2.3"_ip4;
    const auto link = "01:00:5e:01:02:03"_mac;
    CHECK(os.hear(group, link) == 0);
    CHECK(os.ip().join(group).has_value());
    CHECK(os.hear(group, link) == 1);
    CHECK(os.heard().last.group);
    CHECK(os.hear("239.1.2.3"_ip4, link) == 0);  // another group with the same address on the link
    CHECK(os.hear(group, our_mac) == 0);         // a group's datagram to us alone
    CHECK(os.hear(our_ip, link) == 0);           // ours to a group
    CHECK(os.hear(group, link, group) == 0);     // no source
    CHECK(os.hear("224.0.0.1"_ip4, "01:00:5e:00:00:01"_mac) == 1);
    os.ip().leave(group);
    CHECK(os.hear(group, link) == 0);
    CHECK(os.ip().counters().bad_source == 1);
}

TEST_CASE("what we send to a group goes to its address on the link, and no further") {
    member_host os;
    CHECK(os.ip().send("239.129.2.3"_ip4, 200, {os.packet_of(raw({7}))}).has_value());
    const sent_frame f = os.take_ip();
    CHECK(f.link.destination == "01:00:5e:01:02:03"_mac);
    CHECK(f.ip.destination == "239.129.2.3"_ip4);
    CHECK(f.ip.ttl == 1);
    CHECK(f.payload == raw({7}));
    os.ip().configure({}, {});
    CHECK(os.ip().send("239.1.2.3"_ip4, 200, {os.packet_of({})}).error() == uk::error::unreachable);
    host without;
    CHECK(without.send("239.1.2.3"_ip4).error() == uk::error::unreachable);
}
