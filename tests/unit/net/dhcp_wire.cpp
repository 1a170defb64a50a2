// SPDX-License-Identifier: BSL-1.0
#include "dhcp_fixture.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace fakes;
using namespace uk::net;

TEST_CASE("a reply's fields and options are read") {
    dhcp_message m;
    m.options = raw({53, 1, 5, 0, 0}) + address_option(1, "255.255.255.0"_ip4) +
                raw({3, 8, 10, 0, 0, 1, 10, 0, 0, 3, 6, 16, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4}) +
                address_option(54, router_ip) +
                raw({26, 2, 5, 0xdc, 51, 4, 0, 0, 0x0e, 0x10, 58, 4, 0, 0, 1, 0, 59, 4, 0, 0, 2, 0, 255, 7});
    const auto r = parse_dhcp(m.octets_of_it());
    REQUIRE(r);
    CHECK(r->type == dhcp_type::ack);
    CHECK(r->xid == m.xid);
    CHECK(r->client == our_mac);
    CHECK(r->address == our_ip);
    CHECK(r->server == router_ip);
    CHECK(r->router == router_ip);
    CHECK(r->mask == 0xffffff00);
    CHECK(r->mtu == 1500);
    CHECK(r->lease_seconds == 3600);
    CHECK(r->renew_seconds == 256);
    CHECK(r->rebind_seconds == 512);
    CHECK(r->dns == std::array{"1.1.1.1"_ip4, "2.2.2.2"_ip4, "3.3.3.3"_ip4});
}

TEST_CASE("every truncation is refused") {
    const octets o = dhcp_message{}.octets_of_it();
    REQUIRE(parse_dhcp(o));
    for (std::size_t size = 0; size < o.size(); ++size) CHECK_FALSE(parse_dhcp(uk::bytes(o).first(size)));
    CHECK(parse_dhcp(o + octets(60)));
}

TEST_CASE("other operations, hardware and cookies are refused") {
    const octets o = dhcp_message{}.octets_of_it();
    for (std::size_t at : {0U, 1U, 2U, 236U, 237U, 238U, 239U}) {
        for (int v = 0; v < 256; ++v) {
            octets wrong = o;
            wrong[at] = static_cast<std::byte>(v);
            CHECK(parse_dhcp(wrong).has_value() == (wrong[at] == o[at]));
        }
    }
}

TEST_CASE("only offers, acknowledgements and refusals are replies") {
    for (int type = 0; type < 256; ++type) {
        dhcp_message m;
        m.options = raw({53, 1, type, 255});
        CHECK(parse_dhcp(m.octets_of_it()).has_value() == (type == 2 || type == 5 || type == 6));
    }
    dhcp_message untyped;
    untyped.options = raw({255});
    CHECK_FALSE(parse_dhcp(untyped.octets_of_it()));
}

TEST_CASE("an option of the wrong length spoils the message") {
    for (int code : {1, 51, 54, 58, 59}) {
        for (int length : {1, 3, 5, 8, 255}) {
            dhcp_message m;
            m.options = raw({53, 1, 2, code, length}) + octets(static_cast<std::size_t>(length)) + raw({255});
            CHECK_FALSE(parse_dhcp(m.octets_of_it()));
        }
    }
    for (int code : {3, 6}) {
        for (int length : {1, 2, 3, 5, 7, 255}) {
            dhcp_message m;
            m.options = raw({53, 1, 2, code, length}) + octets(static_cast<std::size_t>(length)) + raw({255});
            CHECK_FALSE(parse_dhcp(m.octets_of_it()));
        }
    }
    for (int length : {1, 3, 4}) {
        dhcp_message m;
        m.options = raw({53, 1, 2, 26, length}) + octets(static_cast<std::size_t>(length)) + raw({255});
        CHECK_FALSE(parse_dhcp(m.octets_of_it()));
    }
    for (const octets& type : {raw({53, 0}), raw({53, 2, 2, 2})}) {
        dhcp_message m;
        m.options = type + raw({255});
        CHECK_FALSE(parse_dhcp(m.octets_of_it()));
    }
    dhcp_message unknown;  // of any length, nothing included
    unknown.options = raw({53, 1, 2, 200, 0, 201, 3, 255, 255, 255, 255});
    CHECK(parse_dhcp(unknown.octets_of_it()));
}

TEST_CASE("an option past the end, or no end option, spoils the message") {
    for (const octets& options : {raw({53, 1, 2}), raw({53, 1, 2, 0, 0, 0}), raw({53, 1, 2, 200, 5, 1, 2, 3, 4}),
                                  raw({53, 1, 2, 200, 255, 255}), raw({53, 1, 2, 200}), raw({})}) {
        dhcp_message m;
        m.options = options;
        CHECK_FALSE(parse_dhcp(m.octets_of_it()));
    }
}

TEST_CASE("options may go on in the file and server name fields") {
    dhcp_message m;
    m.options = raw({53, 1, 2, 52, 1, 3, 255});
    m.file = address_option(54, router_ip) + raw({255});
    m.name = raw({51, 4, 0, 0, 0, 9, 255});
    auto r = parse_dhcp(m.octets_of_it());
    REQUIRE(r);
    CHECK(r->server == router_ip);
    CHECK(r->lease_seconds == 9);
    m.options = raw({53, 1, 2, 52, 1, 1, 255});
    r = parse_dhcp(m.octets_of_it());
    REQUIRE(r);
    CHECK(r->lease_seconds == 0);
    m.options = raw({53, 1, 2, 52, 1, 2, 255});
    r = parse_dhcp(m.octets_of_it());
    REQUIRE(r);
    CHECK(r->server.is_unspecified());
    CHECK(r->lease_seconds == 9);
}

TEST_CASE("overload neither loops nor leaves its fields") {
    dhcp_message m;
    m.options = raw({53, 1, 2, 52, 1, 1, 255});
    m.file = raw({52, 1, 2, 255});  // would lead to the name field
    m.name = raw({200, 255, 255});
    CHECK(parse_dhcp(m.octets_of_it()));
    m.file = raw({52, 1, 1, 0, 0});  // no end
    CHECK_FALSE(parse_dhcp(m.octets_of_it()));
    m.file = raw({200, 126}) + octets(126);
    CHECK_FALSE(parse_dhcp(m.octets_of_it()));
    for (int v : {4, 255}) {
        m.options = raw({53, 1, 2, 52, 1, v, 255});
        CHECK_FALSE(parse_dhcp(m.octets_of_it()));
    }
}

TEST_CASE("an option in several parts is the parts in a row, over all fields (RFC 3396)") {
    dhcp_message m;
    m.options = raw({53, 1, 2, 51, 1, 0, 6, 3, 1, 1, 1, 52, 1, 3, 51, 0, 51, 2, 0, 14, 255});
    m.file = raw({6, 5, 1, 2, 2, 2, 2, 51, 1, 16, 255});
    m.name = raw({6, 4, 3, 3, 3, 3, 255});
    auto r = parse_dhcp(m.octets_of_it());
    REQUIRE(r);
    CHECK(r->lease_seconds == 3600);
    CHECK(r->dns == std::array{"1.1.1.1"_ip4, "2.2.2.2"_ip4, "3.3.3.3"_ip4});
    m.name = raw({51, 1, 0, 255});  // five octets in all
    CHECK_FALSE(parse_dhcp(m.octets_of_it()));
    octets servers;  // longer than one part can be
    for (int i = 0; i < 3; ++i) servers = servers + raw({6, 200}) + octets(200, static_cast<std::byte>(i + 1));
    m.options = raw({53, 1, 2}) + servers + raw({255});
    r = parse_dhcp(m.octets_of_it());
    REQUIRE(r);
    CHECK(r->dns == std::array{"1.1.1.1"_ip4, "1.1.1.1"_ip4, "1.1.1.1"_ip4});
}

TEST_CASE("an empty option is as none") {
    dhcp_message m;
    m.options = raw({53, 1, 2, 51, 0, 6, 0, 54, 0, 52, 0, 255});
    const auto r = parse_dhcp(m.octets_of_it());
    REQUIRE(r);
    CHECK(r->lease_seconds == 0);
    CHECK(r->server.is_unspecified());
}

TEST_CASE("garbage options are survived") {
    std::mt19937 random(3);
    for (int i = 0; i < 20'000; ++i) {
        dhcp_message m;
        m.options.resize(random() % 80);
        for (auto& b : m.options) b = static_cast<std::byte>(random() % 4 == 0 ? random() : random() % 60);
        (void)parse_dhcp(m.octets_of_it());
    }
}

TEST_CASE("a request says what RFC 2131 table 5 asks for") {
    octets o(dhcp_request_size, std::byte{0xee});
    dhcp_request q;
    q.type = dhcp_type::request;
    q.xid = 0x01020304;
    q.seconds = 0x0506;
    q.client = our_mac;
    q.requested = our_ip;
    q.server = router_ip;
    emit(q, o.data());
    octets expected(300);
    uk::copy(uk::writable_bytes(expected), raw({1, 1, 6, 0, 1, 2, 3, 4, 5, 6}));
    uk::copy(uk::writable_bytes(expected).subspan(28), raw({2, 0, 0, 0, 0, 1}));
    uk::copy(uk::writable_bytes(expected).subspan(236),
             raw({99, 130, 83, 99, 53, 1, 3, 50, 4, 10, 0, 0, 2, 54, 4, 10, 0, 0, 1}) +
                 raw({55, 7, 1, 3, 6, 15, 26, 58, 59, 255}));
    CHECK(o == expected);
    q.requested = q.server = {};
    q.own = our_ip;
    emit(q, o.data());
    CHECK(octets(o.begin() + 12, o.begin() + 16) == raw({10, 0, 0, 2}));
    CHECK(octets(o.begin() + 240, o.begin() + 253) == raw({53, 1, 3, 55, 7, 1, 3, 6, 15, 26, 58, 59, 255}));
}
