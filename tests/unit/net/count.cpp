// SPDX-License-Identifier: BSL-1.0
#include <uk/net/count.hpp>

#include <doctest/doctest.h>

TEST_CASE("causes are counted in the order of their counters") {
    struct {
        std::uint32_t before = 0, first = 0, second = 0, third = 0;
    } counters;
    uk::net::count(counters.first, 0);
    uk::net::count(counters.first, 2);
    uk::net::count(counters.first, 2);
    CHECK(counters.before == 0);
    CHECK(counters.first == 1);
    CHECK(counters.second == 0);
    CHECK(counters.third == 2);
}
