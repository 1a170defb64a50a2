// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/igmp_wire.hpp>

#include <doctest/doctest.h>

#include <random>

using namespace fakes;
using namespace uk::net;

namespace {

octets sealed(octets m) {
    uk::store_be(m.data() + 2, std::uint16_t{0});
    uk::store_be(m.data() + 2, checksum_of(m));
    return m;
}
igmp_message read(const octets& m) {
    igmp_message result;
    REQUIRE(parse_igmp(m, result) == igmp_fault::none);
    return result;
}
igmp_fault fault_of(const octets& m) {
    igmp_message result;
    return parse_igmp(m, result);
}

}  // namespace

TEST_CASE("queries are told apart by their length and code") {
    CHECK(read(sealed(raw({0x11, 0, 0, 0, 0, 0, 0, 0}))).version == 1);
    CHECK(read(sealed(raw({0x11, 0, 0, 0, 0, 0, 0, 0}))).longest_wait == 100);
    const igmp_message two = read(sealed(raw({0x11, 50, 0, 0, 239, 1, 2, 3})));
    CHECK(two.version == 2);
    CHECK(two.longest_wait == 50);
    CHECK(two.group == "239.1.2.3"_ip4);
    const igmp_message three = read(sealed(raw({0x11, 0x9f, 0, 0, 0, 0, 0, 0, 2, 125, 0, 1, 10, 0, 0, 1})));
    CHECK(three.version == 3);
    CHECK(three.longest_wait == 0x1f << 4);
    CHECK(three.group.is_unspecified());
}

TEST_CASE("version 3 times: 0 to 127 as they are, then 4 bits shifted") {
    CHECK(igmp3_time(0) == 0);
    CHECK(igmp3_time(127) == 127);
    CHECK(igmp3_time(128) == 128);
    CHECK(igmp3_time(255) == 31744);
    for (unsigned c = 1; c < 256; ++c) CHECK(igmp3_time(c) > igmp3_time(c - 1));
}

TEST_CASE("reports of other hosts") {
    for (int type : {0x12, 0x16}) {
        const igmp_message m = read(sealed(raw({type, 0, 0, 0, 239, 0, 0, 9})));
        CHECK(m.type == static_cast<igmp_type>(type));
        CHECK(m.group == "239.0.0.9"_ip4);
        CHECK(fault_of(sealed(raw({type, 0, 0, 0, 10, 0, 0, 9}))) == igmp_fault::group);
        CHECK(fault_of(sealed(raw({type, 0, 0, 0, 0, 0, 0, 0}))) == igmp_fault::group);
    }
}

TEST_CASE("malformed messages have a cause each") {
    for (std::size_t size = 0; size < 8; ++size) CHECK(fault_of(octets(size)) == igmp_fault::truncated);
    octets m = sealed(raw({0x11, 50, 0, 0, 239, 1, 2, 3}));
    m[7] ^= std::byte{1};
    CHECK(fault_of(m) == igmp_fault::checksum);
    CHECK(fault_of(sealed(raw({0x11, 50, 0, 0, 10, 1, 2, 3}))) == igmp_fault::group);
    for (std::size_t size = 9; size < 12; ++size) {
        octets cut = raw({0x11, 50, 0, 0, 0, 0, 0, 0});
        cut.resize(size);
        CHECK(fault_of(sealed(cut)) == igmp_fault::truncated);
    }
    CHECK(fault_of(sealed(raw({0x11, 50, 0, 0, 0, 0, 0, 0, 2, 125, 0, 1}))) == igmp_fault::truncated);
    CHECK(fault_of(sealed(raw({0x11, 50, 0, 0, 0, 0, 0, 0, 2, 125, 255, 255, 1, 2, 3, 4}))) == igmp_fault::truncated);
    for (int type : {0, 0x10, 0x13, 0x17, 0x22, 255}) {
        CHECK(fault_of(sealed(raw({type, 0, 0, 0, 239, 1, 2, 3}))) == igmp_fault::ignored);
    }
    std::mt19937 random(1);
    for (int i = 0; i < 20'000; ++i) {
        octets any(random() % 40);
        for (auto& b : any) b = static_cast<std::byte>(random());
        if (!any.empty()) any[0] = std::byte{0x11};
        if (any.size() >= 4) any = sealed(any);
        (void)fault_of(any);
    }
}

TEST_CASE("what we say is to the octet what the standards ask for") {
    octets two(igmp2_size);
    emit_igmp2(igmp_type::report2, "239.1.2.3"_ip4, two.data());
    CHECK(two == sealed(raw({0x16, 0, 0, 0, 239, 1, 2, 3})));
    octets three(igmp3_size);
    emit_igmp3(igmp3_record::to_exclude, "239.1.2.3"_ip4, three.data());
    CHECK(three == sealed(raw({0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 239, 1, 2, 3})));
    octets ip(igmp_ip_header);
    emit_igmp_ip(our_ip, all_igmp3_routers, 5, igmp3_size, ip.data());
    const auto h = parse_ipv4(ip + three);
    REQUIRE(h);
    CHECK(h->header_length == 24);
    CHECK(h->ttl == 1);
    CHECK(h->protocol == 2);
    CHECK(h->destination == "224.0.0.22"_ip4);
    CHECK(octets(ip.begin() + 20, ip.end()) == raw({148, 4, 0, 0}));
}
