// SPDX-License-Identifier: BSL-1.0
#include <uk/net/port_number.hpp>

#include <doctest/doctest.h>

using uk::net::port_number;

static_assert(port_number(1).value() == 1);
static_assert(port_number(80).value() == 80);
static_assert(port_number(65535).value() == 65535);

// A number out of range, and one not known at compile time, do not compile; the former is a case of the fail suite.
TEST_CASE("a port number passes where a function asks for one") {
    const auto number = [](port_number p) { return p.value(); };
    CHECK(number(7) == 7);
    CHECK(number(65535) == 65535);
}
