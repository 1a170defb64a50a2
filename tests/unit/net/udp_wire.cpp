// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <doctest/doctest.h>

using namespace fakes;
using namespace uk::net;

namespace {

octets good(const octets& payload = octets_of("hello")) { return udp_payload(peer_ip, 1234, our_ip, 7, payload); }

udp_fault fault_of(uk::bytes d) {
    const auto h = parse_udp(d, peer_ip, our_ip);
    REQUIRE_FALSE(h);
    return h.error();
}

}  // namespace

TEST_CASE("a header survives its way, in one piece or two") {
    for (std::size_t size : {0U, 1U, 5U, 1472U}) {
        octets payload(size, std::byte{0x5a});
        const auto h = parse_udp(good(payload), peer_ip, our_ip);
        REQUIRE(h);
        CHECK(h->from_port == 1234);
        CHECK(h->to_port == 7);
        CHECK(h->length == size + 8);
        for (std::size_t cut : {std::size_t{0}, size / 2, size}) {
            octets head = octets(8) + octets(cut, std::byte{0x5a});
            const octets body(size - cut, std::byte{0x5a});
            emit_udp(1234, 7, peer_ip, our_ip, head, body);
            CHECK(head + body == good(payload));
        }
    }
}

TEST_CASE("truncations and impossible lengths are refused, padding is not") {
    const octets d = good();
    for (std::size_t size = 0; size < 8; ++size) CHECK(fault_of(uk::bytes(d).first(size)) == udp_fault::truncated);
    for (std::size_t size = 8; size < d.size(); ++size) CHECK(fault_of(uk::bytes(d).first(size)) == udp_fault::length);
    for (unsigned length = 0; length < 0x10000; ++length) {
        octets wrong = d;
        uk::store_be(wrong.data() + 4, static_cast<std::uint16_t>(length));
        const auto h = parse_udp(wrong, peer_ip, our_ip);
        REQUIRE(h.has_value() == (length == d.size()));
        if (!h) REQUIRE(h.error() == (length < 8 || length > d.size() ? udp_fault::length : udp_fault::checksum));
    }
    CHECK(parse_udp(d + octets(3), peer_ip, our_ip)->length == d.size());
}

TEST_CASE("the checksum covers everything, and may be absent") {
    const octets d = good();
    for (std::size_t bit = 0; bit < d.size() * 8; ++bit) {
        octets wrong = d;
        wrong[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        CHECK_FALSE(parse_udp(wrong, peer_ip, our_ip));
    }
    CHECK_FALSE(parse_udp(d, router_ip, our_ip));
    CHECK_FALSE(parse_udp(d, peer_ip, router_ip));
    octets without = d;
    without[6] = without[7] = std::byte{0};
    CHECK(parse_udp(without, peer_ip, our_ip));
}

TEST_CASE("a sum of zero is sent as all ones") {
    bool seen = false;
    for (int v = 0; v < 0x10000; ++v) {
        const octets d = good(raw({v >> 8, v & 0xff}));
        REQUIRE((d[6] != std::byte{0} || d[7] != std::byte{0}));
        if (d[6] == std::byte{0xff} && d[7] == std::byte{0xff}) {
            seen = true;
            CHECK(parse_udp(d, peer_ip, our_ip));
        }
    }
    CHECK(seen);
}

TEST_CASE("port 0 is nobody's") {
    CHECK(fault_of(udp_payload(peer_ip, 1234, our_ip, 0, {})) == udp_fault::port);
    CHECK(parse_udp(udp_payload(peer_ip, 0, our_ip, 7, {}), peer_ip, our_ip));  // RFC 768: no answer wanted
}
