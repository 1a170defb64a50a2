// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_recovery.hpp>

#include <doctest/doctest.h>

using uk::net::new_reno;
using uk::net::seq;
using uk::net::tcp_go_back;

namespace {
constexpr std::uint32_t mss = 1000;
}

TEST_CASE("three duplicates, partial and full acknowledgments (RFC 6582)") {
    new_reno c;
    c.start(mss);
    tcp_go_back r;
    r.point = seq{0};
    const seq una{5000};
    const seq max{15000};
    CHECK_FALSE(r.duplicate(c, {mss, 10 * mss}, una, max));
    CHECK(r.extra == mss);  // limited transmit
    CHECK_FALSE(r.duplicate(c, {mss, 10 * mss}, una, max));
    CHECK(r.extra == 2 * mss);
    CHECK(r.duplicate(c, {mss, 10 * mss}, una, max));
    CHECK(r.active);
    CHECK(c.window == 5 * mss);
    CHECK(r.extra == 3 * mss);
    CHECK_FALSE(r.duplicate(c, {mss, 10 * mss}, una, max));
    CHECK(r.extra == 4 * mss);
    CHECK(r.progress(c, {mss, 10 * mss}, seq{8000}, 3000));
    CHECK(r.extra == 2 * mss);
    CHECK(r.active);
    CHECK_FALSE(r.progress(c, {mss, 7 * mss}, seq{15000}, 7000));
    CHECK_FALSE(r.active);
    CHECK(c.window == 2 * mss);
    CHECK(r.extra == 0);
}

TEST_CASE("no second fast retransmit for the same loss") {
    new_reno c;
    c.start(mss);
    tcp_go_back r;
    uk::net::tcb b;
    b.una = seq{6000};
    b.nxt = b.max = seq{9000};
    r.timed_out(b);
    CHECK(b.nxt == b.una);
    for (int i = 0; i < 5; ++i) CHECK_FALSE(r.duplicate(c, {mss, 3 * mss}, seq{6000}, seq{9000}));
    CHECK_FALSE(r.progress(c, {mss, 3 * mss}, seq{9000}, 3000));
    for (int i = 0; i < 2; ++i) CHECK_FALSE(r.duplicate(c, {mss, 3 * mss}, seq{9000}, seq{12000}));
    CHECK(r.duplicate(c, {mss, 3 * mss}, seq{9000}, seq{12000}));
}

TEST_CASE("the point of an old loss follows for ever") {
    new_reno c;
    c.start(mss);
    tcp_go_back r;
    r.point = seq{0};
    for (std::uint32_t at = 0; at < 0xf0000000; at += 0x10000000) r.progress(c, {mss, mss}, seq{at}, mss);
    CHECK(r.point == seq{0xe0000000});
}
