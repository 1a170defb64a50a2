// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_congestion.hpp>

#include <doctest/doctest.h>

using uk::net::new_reno;

namespace {
constexpr std::uint32_t mss = 1000;
}

TEST_CASE("the initial window (RFC 6928)") {
    new_reno c;
    c.start(1460);
    CHECK(c.window == 14'600);
    c.start(536);
    CHECK(c.window == 5'360);
    c.start(8960);
    CHECK(c.window == 17'920);
}

TEST_CASE("slow start, then one segment per round") {
    new_reno c;
    c.start(mss);
    c.acknowledged(mss, {mss, c.window});
    CHECK(c.window == 11 * mss);
    c.acknowledged(20 * mss, {mss, c.window});
    CHECK(c.window == 19 * mss);  // RFC 9406
    c.threshold = c.window;
    for (int i = 0; i < 19; ++i) c.acknowledged(mss, {mss, c.window});
    CHECK(c.window == 20 * mss);
    const auto before = c.window;
    for (int i = 0; i < 100; ++i) c.acknowledged(mss, {mss, mss});  // the application is the limit
    CHECK(c.window == before);
}

TEST_CASE("a loss halves what the window allowed, not what was sent beyond it for segments that arrived") {
    new_reno c;
    c.start(mss);
    c.lost({mss, 14 * mss});
    CHECK(c.window == 5 * mss);
    CHECK(c.threshold == 5 * mss);
    c.window = 20 * mss;
    c.lost({mss, 8 * mss});
    CHECK(c.window == 4 * mss);
}

TEST_CASE("a timeout: half of the flight as threshold, once") {
    new_reno c;
    c.start(mss);
    c.timed_out({mss, 10 * mss}, false);
    CHECK(c.window == mss);
    CHECK(c.threshold == 5 * mss);
    c.timed_out({mss, mss}, true);
    CHECK(c.threshold == 5 * mss);
    c.timed_out({mss, mss}, false);
    CHECK(c.threshold == 2 * mss);
}
