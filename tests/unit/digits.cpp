// SPDX-License-Identifier: BSL-1.0
#include <uk/digits.hpp>

#include <doctest/doctest.h>

#include <limits>

TEST_CASE("digits in any base, padded") {
    CHECK(uk::digits(0).view() == "0");
    CHECK(uk::digits(10).view() == "10");
    CHECK(uk::digits(std::numeric_limits<std::uint64_t>::max()).view() == "18446744073709551615");
    CHECK(uk::digits(std::numeric_limits<std::uint64_t>::max(), 2).view().size() == 64);
    CHECK(uk::digits(0xabc, 16).view() == "abc");
    CHECK(uk::digits(5, 16, 4).view() == "0005");
    CHECK(uk::digits(5, 16, 1000).view().size() == 64);
}
