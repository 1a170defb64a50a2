// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_cubic.hpp>

#include <doctest/doctest.h>

#include <cmath>

using uk::net::cubic;
using uk::net::tcp_path;
using uk::net::tcp_ticks;

namespace {

constexpr std::uint32_t mss = 1448;
constexpr tcp_ticks ms = 977;

/// Acknowledges window after window, one each `trip`, and says the window after `rounds` of them.
std::uint32_t rounds(cubic& c, tcp_ticks& now, tcp_ticks trip, unsigned number) {
    for (unsigned i = 0; i < number; ++i) {
        now += trip;
        const std::uint32_t window = c.window;
        for (std::uint32_t acked = 0; acked < window; acked += 2 * mss) {
            c.acknowledged(2 * mss, {mss, c.window, now, trip});
        }
    }
    return c.window;
}

cubic after_loss(std::uint32_t window) {
    cubic c;
    c.start(mss);
    c.window = window;
    c.threshold = window;
    c.lost({mss, window});
    return c;
}

}  // namespace

static_assert(uk::net::detail::cube_root(0) == 0 && uk::net::detail::cube_root(26) == 2);
static_assert(uk::net::detail::cube_root(27) == 3 && uk::net::detail::cube_root(1'000'000'000'000) == 10'000);

TEST_CASE("slow start is NewReno's") {
    cubic c;
    c.start(mss);
    CHECK(c.window == 10 * mss);
    c.acknowledged(5 * mss, {mss, c.window});
    CHECK(c.window == 15 * mss);
}

TEST_CASE("a loss costs 30 percent (RFC 9438 section 4.6)") {
    const cubic c = after_loss(100 * mss);
    CHECK(c.window == 70 * mss);
    CHECK(c.threshold == 70 * mss);
    CHECK(c.most == 100 * mss);
}

TEST_CASE("a second loss below the last maximum gives way to others (section 4.7)") {
    cubic c = after_loss(100 * mss);
    c.lost({mss, c.window});
    CHECK(c.most == 70 * mss * 85 / 100);
    CHECK(c.window == 49 * mss);
}

TEST_CASE("the window is back at its maximum after K, flat there, then steep (section 4.2)") {
    for (std::uint32_t segments : {200U, 1000U, 5000U}) {
        cubic c = after_loss(segments * mss);
        tcp_ticks now = 0xffff0000;  // across the wrap of ticks
        const double k = std::cbrt(0.3 * segments / 0.4);
        const tcp_ticks trip = 100 * ms;
        const auto to_k = static_cast<unsigned>(k * 10);
        const double half = rounds(c, now, trip, to_k / 2) / double(mss);
        const double at_half = segments + 0.4 * std::pow(k / 2 - k, 3);
        CHECK(half == doctest::Approx(at_half).epsilon(0.03));
        CHECK(rounds(c, now, trip, to_k - to_k / 2) / double(mss) == doctest::Approx(segments).epsilon(0.02));
        const double later = rounds(c, now, trip, to_k) / double(mss);
        CHECK(later == doctest::Approx(segments + 0.4 * std::pow(k, 3)).epsilon(0.06));
    }
}

TEST_CASE("on a short path it is as fast as Reno (section 4.3)") {
    cubic c = after_loss(20 * mss);
    tcp_ticks now = 5000;
    const std::uint32_t began = c.window;
    const std::uint32_t after = rounds(c, now, 5 * ms, 20);
    // Nine segments in seventeen rounds.
    CHECK(after >= began + 9 * mss);
    CHECK(after <= began + 14 * mss);
}

TEST_CASE("what the application did not use does not count") {
    cubic c = after_loss(100 * mss);
    tcp_ticks now = 0;
    rounds(c, now, 100 * ms, 3);
    const std::uint32_t before = c.window;
    now += 3'600'000U * ms;
    for (int i = 0; i < 100; ++i) c.acknowledged(mss, {mss, mss, now, 100 * ms});
    CHECK(c.window == before);
    c.acknowledged(2 * mss, {mss, c.window, now, 100 * ms});
    CHECK(c.window < before + 2 * mss);  // a new epoch, no leap of an hour
}

TEST_CASE("a timeout: one segment, once") {
    cubic c;
    c.start(mss);
    c.timed_out({mss, 10 * mss}, false);
    CHECK(c.window == mss);
    CHECK(c.threshold == 7 * mss);
    c.timed_out({mss, mss}, true);
    CHECK(c.threshold == 7 * mss);
}
