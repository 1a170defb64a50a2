// SPDX-License-Identifier: BSL-1.0
#include <uk/address.hpp>

#include <doctest/doctest.h>

using namespace uk::literals;

TEST_CASE("dotted addresses: exactly four octets without leading zeros") {
    CHECK(uk::parse_ip4("10.0.0.2")->value == 0x0a000002);
    CHECK(uk::parse_ip4("255.255.255.255") == uk::ip4_address::broadcast());
    for (const char* bad : {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.04", "1.2.3.4 ", " 1.2.3.4", "1..2.3",
                            "1.2.3.-4", "a.b.c.d", "1.2.3.99999999999"}) {
        CAPTURE(bad);
        CHECK_FALSE(uk::parse_ip4(bad).has_value());
    }
}

TEST_CASE("cidr: prefix 0 to 32, mask, membership and broadcast") {
    constexpr auto home = "10.0.0.2/24"_cidr;
    CHECK(home.mask() == 0xffffff00);
    CHECK(home.contains("10.0.0.255"_ip4));
    CHECK_FALSE(home.contains("10.0.1.2"_ip4));
    CHECK(home.broadcast() == "10.0.0.255"_ip4);
    CHECK("10.0.0.2/0"_cidr.contains("192.168.1.1"_ip4));
    CHECK("10.0.0.2/32"_cidr.broadcast() == uk::ip4_address::broadcast());
    CHECK("10.0.0.2/31"_cidr.broadcast() == uk::ip4_address::broadcast());
    for (const char* bad : {"10.0.0.2", "10.0.0.2/", "10.0.0.2/33", "10.0.0.2/024", "10.0.0/8", "10.0.0.2/24x"}) {
        CAPTURE(bad);
        CHECK_FALSE(uk::parse_cidr(bad).has_value());
    }
}

TEST_CASE("Ethernet addresses") {
    CHECK("02:00:00:00:00:fF"_mac.octets[5] == 0xff);
    CHECK(uk::mac::broadcast().is_group());
    CHECK("01:00:5e:00:00:01"_mac.is_group());
    CHECK_FALSE("02:00:00:00:00:01"_mac.is_group());
    for (const char* bad : {"", "02:00:00:00:00", "02-00-00-00-00-01", "02:00:00:00:00:0", "02:00:00:00:00:0g",
                            "02:00:00:00:00:01:02"}) {
        CAPTURE(bad);
        CHECK_FALSE(uk::parse_mac(bad).has_value());
    }
}

TEST_CASE("classes of addresses") {
    CHECK("224.0.0.1"_ip4.is_multicast());
    CHECK("127.1.2.3"_ip4.is_loopback());
    CHECK("0.0.0.0"_ip4.is_unspecified());
    CHECK("240.0.0.1"_ip4.is_reserved());
    CHECK("10.0.0.1"_ip4.is_unicast());
    for (auto a : {"0.1.2.3"_ip4, "127.0.0.1"_ip4, "224.0.0.1"_ip4, "255.255.255.255"_ip4}) CHECK_FALSE(a.is_unicast());
}
