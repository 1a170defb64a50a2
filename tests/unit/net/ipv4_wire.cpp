// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace fakes;
using namespace uk::net;

namespace {

// A datagram with these options; lengths and checksum are right.
octets with_options(octets options, const octets& payload = raw({1, 2, 3, 4})) {
    options.resize((options.size() + 3) / 4 * 4);
    ipv4_header h;
    h.protocol = protocol_udp;
    h.source = peer_ip;
    h.destination = our_ip;
    octets d = ip_datagram(h, options + payload);
    d[0] = static_cast<std::byte>(0x45 + options.size() / 4);
    uk::store_be(d.data() + 10, std::uint16_t{0});
    uk::store_be(d.data() + 10, checksum().add(uk::bytes(d).first(20 + options.size())).value());
    return d;
}

octets with(std::size_t at, int value) {
    octets d = with_options({});
    d[at] = static_cast<std::byte>(value);
    uk::store_be(d.data() + 10, std::uint16_t{0});
    uk::store_be(d.data() + 10, checksum().add(uk::bytes(d).first(20)).value());
    return d;
}

ipv4_fault fault_of(uk::bytes d) {
    const auto h = parse_ipv4(d);
    REQUIRE_FALSE(h);
    return h.error();
}

}  // namespace

TEST_CASE("a header survives its way") {
    ipv4_header h;
    h.id = 0x1234;
    h.ttl = 3;
    h.protocol = 99;
    h.fragment |= ipv4_header::dont_fragment;
    h.fragment |= ipv4_header::more_fragments;
    h.fragment |= 0x1fff;
    h.source = peer_ip;
    h.destination = our_ip;
    const auto r = parse_ipv4(ip_datagram(h, octets(5)));
    REQUIRE(r);
    CHECK(r->total_length == 25);
    CHECK(r->header_length == 20);
    CHECK(r->id == 0x1234);
    CHECK(r->ttl == 3);
    CHECK(r->protocol == 99);
    CHECK((r->fragment & ipv4_header::dont_fragment) != 0);
    CHECK((r->fragment & ipv4_header::more_fragments) != 0);
    CHECK(r->fragment_offset() == 8 * 0x1fff);
    CHECK(r->source == peer_ip);
    CHECK(r->destination == our_ip);
}

TEST_CASE("fragments are known by either sign") {
    ipv4_header h;
    CHECK_FALSE(h.is_fragment());
    h.fragment |= ipv4_header::more_fragments;
    CHECK(h.is_fragment());
    h.fragment = 0;
    h.fragment = 1;
    CHECK(h.is_fragment());
}

TEST_CASE("every truncation is refused, padding is not") {
    const octets d = with_options({});
    for (std::size_t size = 0; size < 20; ++size) CHECK(fault_of(uk::bytes(d).first(size)) == ipv4_fault::truncated);
    for (std::size_t size = 20; size < d.size(); ++size) {
        CHECK(fault_of(uk::bytes(d).first(size)) == ipv4_fault::total_length);
    }
    CHECK(parse_ipv4(d));
    CHECK(parse_ipv4(d + octets(22)));
}

TEST_CASE("other versions are refused") {
    for (int v = 0; v < 16; ++v) {
        if (v != 4) CHECK(fault_of(with(0, v << 4 | 5)) == ipv4_fault::version);
    }
}

TEST_CASE("impossible lengths are refused") {
    for (int words = 0; words < 5; ++words) CHECK(fault_of(with(0, 0x40 | words)) == ipv4_fault::header_length);
    for (int words = 7; words < 16; ++words) CHECK(fault_of(with(0, 0x40 | words)) == ipv4_fault::header_length);
    for (int total = 0; total < 20; ++total) CHECK(fault_of(with(3, total)) == ipv4_fault::total_length);
    CHECK(fault_of(with(3, 25)) == ipv4_fault::total_length);  // 24 are there
    CHECK(fault_of(with(2, 0xff)) == ipv4_fault::total_length);
    CHECK(parse_ipv4(with(3, 20)));
    // A header longer than the total length, both within the packet.
    octets d = with_options(raw({1, 1, 1, 1}));
    d[3] = std::byte{23};
    CHECK(fault_of(d) == ipv4_fault::total_length);
}

TEST_CASE("every single wrong bit of a header is noticed") {
    const octets d = with_options({});
    for (std::size_t bit = 0; bit < 160; ++bit) {
        octets wrong = d;
        wrong[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        CHECK_FALSE(parse_ipv4(wrong));
    }
}

TEST_CASE("options are skipped") {
    for (const octets& options : {raw({0}), raw({1, 1, 1, 1}), raw({148, 4, 0, 0}), raw({7, 7, 4, 0, 0, 0, 0}),
                                  raw({1, 7, 3, 4, 0, 131}), raw({68, 12, 5, 0, 1, 2, 3, 4, 5, 6, 7, 8})}) {
        const auto h = parse_ipv4(with_options(options));
        REQUIRE(h);
        CHECK(h->header_length == 20 + (options.size() + 3) / 4 * 4);
    }
}

TEST_CASE("options of impossible length are refused") {
    for (int type : {7, 68, 148, 0x82, 2, 255}) {
        for (int length : {0, 1, 5, 255}) {
            CHECK(fault_of(with_options(raw({type, length, 4, 0}))) == ipv4_fault::options);
        }
        CHECK(fault_of(with_options(raw({1, 1, 1, type}))) == ipv4_fault::options);  // no room for a length
        CHECK(parse_ipv4(with_options(raw({type, 2, 1, 1}))));
    }
}

TEST_CASE("source routes are refused") {
    CHECK(fault_of(with_options(raw({131, 7, 4, 1, 2, 3, 4}))) == ipv4_fault::source_route);
    CHECK(fault_of(with_options(raw({137, 3, 4}))) == ipv4_fault::source_route);
    CHECK(fault_of(with_options(raw({1, 131, 0, 0}))) == ipv4_fault::source_route);
    CHECK(fault_of(with_options(raw({131, 7, 4, 1, 2, 3, 4, 131, 7, 4, 1, 2, 3, 4}))) == ipv4_fault::source_route);
}

TEST_CASE("garbage is survived, and what passes keeps its promise") {
    std::mt19937 random(2);
    unsigned passed = 0;
    for (int i = 0; i < 200'000; ++i) {
        octets d(random() % 64);
        for (auto& b : d) b = static_cast<std::byte>(random());
        if (d.size() >= 20) {
            const std::size_t header = 20 + random() % 3 * 4;
            d[0] = static_cast<std::byte>(0x40 + header / 4);
            uk::store_be(d.data() + 2, static_cast<std::uint16_t>(random() % 70));
            if (header > d.size()) continue;
            uk::store_be(d.data() + 10, std::uint16_t{0});
            uk::store_be(d.data() + 10, checksum().add(uk::bytes(d).first(header)).value());
        }
        if (const auto h = parse_ipv4(d)) {
            ++passed;
            REQUIRE(h->header_length >= 20);
            REQUIRE(h->header_length <= h->total_length);
            REQUIRE(h->total_length <= d.size());
        }
    }
    CHECK(passed > 1000);
}
