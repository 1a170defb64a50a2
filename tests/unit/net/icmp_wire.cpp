// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <doctest/doctest.h>

using namespace fakes;
using namespace uk::net;

namespace {

octets error_message(int type, int code, const octets& quote, std::uint16_t mtu = 0) {
    octets m = raw({type, code, 0, 0, 0, 0, mtu >> 8, mtu & 0xff}) + quote;
    uk::store_be(m.data() + 2, checksum().add(m).value());
    return m;
}

octets quote(std::size_t payload = 8) {
    ipv4_header h;
    h.protocol = protocol_tcp;
    h.source = our_ip;
    h.destination = peer_ip;
    octets content(payload);
    for (std::size_t i = 0; i < payload; ++i) content[i] = static_cast<std::byte>(i);
    return ip_datagram(h, content);
}

}  // namespace

TEST_CASE("a message is sealed with its checksum, whatever was there") {
    for (std::size_t size : {0U, 1U, 2U, 3U, 56U, 1472U}) {
        for (int fill : {0, 0x55, 0xff}) {
            octets m(icmp_header_size + size, static_cast<std::byte>(fill));
            const octets before = m;
            seal_icmp(m);
            CHECK(checksum().add(m).value() == 0);
            uk::copy(uk::writable_bytes(m).subspan(2), raw({fill, fill}));
            CHECK(m == before);
        }
    }
}

TEST_CASE("errors are taken apart") {
    const octets message = error_message(3, 3, quote());
    const auto e = parse_icmp_error(message, peer_ip);
    REQUIRE(e);
    CHECK(e->type == icmp_type::unreachable);
    CHECK(e->code == 3);
    CHECK(e->protocol == protocol_tcp);
    CHECK(e->from == peer_ip);
    CHECK(e->source == our_ip);
    CHECK(e->destination == peer_ip);
    CHECK(e->mtu == 0);
    REQUIRE(e->quoted.size() == 8);
    CHECK(e->quoted[7] == std::byte{7});
    CHECK(parse_icmp_error(error_message(11, 0, quote()), peer_ip));
    CHECK(parse_icmp_error(error_message(12, 0, quote(100)), peer_ip)->quoted.size() == 100);
}

TEST_CASE("truncated quotes are refused") {
    const octets m = error_message(3, 3, quote());
    for (std::size_t size = 0; size < m.size(); ++size) {
        CHECK_FALSE(parse_icmp_error(uk::bytes(m).first(size), peer_ip));
    }
    for (int words = 0; words < 16; ++words) {
        octets q = quote();
        q[0] = static_cast<std::byte>(0x40 | words);
        CHECK(parse_icmp_error(error_message(3, 3, q), peer_ip).has_value() == (words == 5));
    }
    octets six = quote();
    six[0] = std::byte{0x65};
    CHECK_FALSE(parse_icmp_error(error_message(3, 3, six), peer_ip));
    octets later = quote();
    later[7] = std::byte{1};  // not the first fragment: no ports in it
    CHECK_FALSE(parse_icmp_error(error_message(3, 3, later), peer_ip));
}

TEST_CASE("only errors are errors") {
    for (int type = 0; type < 256; ++type) {
        CHECK(parse_icmp_error(error_message(type, 0, quote()), peer_ip).has_value() ==
              (type == 3 || type == 11 || type == 12));
    }
}

TEST_CASE("the mtu of fragmentation needed is 0 or possible") {
    for (int mtu : {0, 68, 576, 1400, 65535}) {
        const auto e = parse_icmp_error(error_message(3, 4, quote(), static_cast<std::uint16_t>(mtu)), peer_ip);
        REQUIRE(e);
        CHECK(e->mtu == mtu);
    }
    for (int mtu : {1, 20, 67}) {
        CHECK_FALSE(parse_icmp_error(error_message(3, 4, quote(), static_cast<std::uint16_t>(mtu)), peer_ip));
    }
    CHECK(parse_icmp_error(error_message(3, 1, quote(), 20), peer_ip)->mtu == 0);  // unused there
}
