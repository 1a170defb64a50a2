// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_random.hpp>

#include <doctest/doctest.h>

using uk::sim::random;

TEST_CASE("a seed and a stream give one sequence, at compile time as at run time") {
    constexpr std::uint64_t third = [] {
        random r(42, 7);
        r.next();
        r.next();
        return r.next();
    }();
    random r(42, 7);
    r.next();
    r.next();
    CHECK(r.next() == third);
    CHECK(random(42, 8).next() != random(42, 7).next());
    CHECK(random(43, 7).next() != random(42, 7).next());
}

TEST_CASE("values stay in their range and reach its ends") {
    random r(1);
    bool low = false;
    bool high = false;
    for (int i = 0; i < 1000; ++i) {
        const auto v = r.between(3, 9);
        CHECK(v >= 3);
        CHECK(v <= 9);
        low |= v == 3;
        high |= v == 9;
    }
    CHECK(low);
    CHECK(high);
}

TEST_CASE("small magnitudes are as likely as large ones") {
    random r(2);
    int small = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto v = r.magnitude(10, 1'000'000);
        CHECK(v >= 10);
        CHECK(v <= 1'000'000);
        small += v < 3'200;
    }
    CHECK(small > 400);
    CHECK(small < 600);
}

TEST_CASE("a chance is what it says") {
    random r(3);
    int hits = 0;
    for (int i = 0; i < 100'000; ++i) hits += r.chance(250'000);
    CHECK(hits > 24'000);
    CHECK(hits < 26'000);
    CHECK_FALSE(r.chance(0));
    CHECK(r.chance(1'000'000));
}
