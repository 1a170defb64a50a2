// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/counters.hpp>
#include <uk/net/dhcp.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

using namespace fakes;
namespace net = uk::net;

namespace {

using fixed = net::static_ip<"10.0.0.2/24"_cidr, "10.0.0.1"_ip4>;
struct host : link_end<uk::stack<link_parts, net::ip4<fixed>>> {};
struct host_with_udp : link_end<uk::stack<link_parts, net::ip4<fixed>, uk::uses<uk::port::udp>>> {};
struct host_with_dhcp : link_end<uk::stack<link_parts, net::ip4<net::dhcp>>> {};

template <class Stack>
constexpr bool has_part(std::string_view name) {
    return std::ranges::count(Stack::part_names(), name) == 1;
}

}  // namespace

TEST_CASE("the bundle brings UDP only where it is needed") {
    CHECK_FALSE(has_part<host>("net::udp"));
    CHECK(has_part<host_with_udp>("net::udp"));
    CHECK(has_part<host_with_dhcp>("net::udp"));
    for (std::string_view name : {"net::ethernet", "net::arp", "net::ipv4", "net::icmp"}) CHECK(has_part<host>(name));
}

TEST_CASE("the bundle answers pings") {
    host os;
    os.meet_peer();
    os.inject(ip_frame(peer_ip, our_ip, 1, echo_request(octets(56))));
    CHECK(os.take_ip().payload.size() == 64);
}

TEST_CASE("each part names its counters, each once") {
    host_with_dhcp os;
    unsigned parts = 0;
    os.each([&](auto& object) {
        if constexpr (requires { object.counters(); }) {
            ++parts;
            std::map<std::string, std::uint32_t> all;
            uk::counter_list(object.counters()).each([&](std::string_view name, std::uint32_t value) {
                CHECK(value == 0);
                CHECK(all.emplace(name, value).second);
            });
            CHECK(all.size() * 4 == sizeof(object.counters()));
        }
    });
    CHECK(parts == 6);
}

TEST_CASE("frames with anything wrong in them cost neither a buffer nor an answer to the wrong") {
    host_with_dhcp os;
    os[uk::port::ip].configure(our_net, router_ip);
    os.meet_peer();
    const octets good[] = {
        ip_frame(peer_ip, our_ip, 1, echo_request(octets(40))),
        ip_frame(peer_ip, our_ip, 17, udp_payload(peer_ip, 9, our_ip, 68, octets(250))),
        ip_frame(peer_ip, our_ip, 17, udp_payload(peer_ip, 9, our_ip, 9, octets(20))),
        arp_frame(our_mac, {net::arp_operation::request, peer_mac, peer_ip, {}, our_ip}),
    };
    std::mt19937 random(4);
    for (int i = 0; i < 20'000; ++i) {
        octets frame = good[random() % 4];
        for (unsigned changes = random() % 4; changes-- > 0;) {
            frame[random() % std::min<std::size_t>(frame.size(), 60)] = static_cast<std::byte>(random());
        }
        if (random() % 4 == 0) frame.resize(random() % (frame.size() + 1));
        os.inject(frame);
        os.card().from_stack.clear();
        if (i % 100 == 0) os.run_for(1s);
    }
    os.run_for(10s);
    CHECK(os.store().available() == uk::packets<>::count);
    os.meet_peer();
    os.inject(ip_frame(peer_ip, our_ip, 1, echo_request(octets(56))));
    CHECK(os.take_ip().payload.size() == 64);
}
