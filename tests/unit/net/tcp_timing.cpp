// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_timing.hpp>

#include <doctest/doctest.h>

using uk::net::tcp_rtt;
using uk::net::ticks_of_ms;

TEST_CASE("before anything is measured: 1 s, doubled up to 60 s (RFC 6298 sections 2.1, 5.5)") {
    tcp_rtt r;
    CHECK(r.timeout() == ticks_of_ms(1000));
    r.repeats = 1;
    CHECK(r.timeout() == 2 * ticks_of_ms(1000));
    r.repeats = 5;
    CHECK(r.timeout() == 32 * ticks_of_ms(1000));
    for (unsigned n : {6U, 9U, 200U, 255U}) {
        r.repeats = static_cast<std::uint8_t>(n);
        CHECK(r.timeout() == tcp_rtt::most);
    }
}

TEST_CASE("the first and the second measurement (sections 2.2, 2.3)") {
    tcp_rtt r;
    r.sample(400'000);
    CHECK(r.smoothed == 400'000);
    CHECK(r.variance == 200'000);
    CHECK(r.base == 1'200'000);
    r.sample(800'000);
    CHECK(r.variance == 150'000 + 100'000);
    CHECK(r.smoothed == 350'000 + 100'000);
    CHECK(r.base == 450'000 + 4 * 250'000);
}

TEST_CASE("the bounds") {
    tcp_rtt r;
    r.sample(0);
    CHECK(r.base == 1 + tcp_rtt::least);
    for (int i = 0; i < 50; ++i) r.sample(~uk::net::tcp_ticks{0});
    CHECK(r.base == tcp_rtt::most);
    for (int i = 0; i < 200; ++i) r.sample(300'000);
    // Even round trips leave room for an acknowledgment that is delayed.
    CHECK(r.base >= 300'000 + tcp_rtt::least);
    CHECK(r.base < 310'000 + tcp_rtt::least);
}

TEST_CASE("Karn: what was sent twice is not measured, and time may wrap") {
    tcp_rtt r;
    r.begin({100}, 0xffffff00);
    r.begin({200}, 5);  // one at a time
    r.repeats = 3;
    r.progress({99}, 50);
    CHECK(r.smoothed == 0);
    CHECK(r.repeats == 0);
    r.progress({100}, 0x100);
    CHECK(r.smoothed == 0x200);
    r.begin({300}, 1000);
    r.spoil();
    r.progress({300}, 900'000);
    CHECK(r.smoothed == 0x200);
}
