// SPDX-License-Identifier: BSL-1.0
#include <uk/timer.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <vector>

using namespace uk::literals;

namespace {

constexpr std::uint64_t tick = std::uint64_t{1} << 20;

struct probe : uk::timer {
    probe() : uk::timer(&fire) {}
    static void fire(uk::timer& t) { ++static_cast<probe&>(t).fired; }
    int fired = 0;
    uk::instant due{};
};

}  // namespace

TEST_CASE("fires once, not early, at most a tick late") {
    uk::timer_wheel wheel;
    probe p;
    wheel.arm(p, {10 * tick});
    CHECK(wheel.next() <= uk::instant{11 * tick});
    wheel.advance({10 * tick - 1});
    CHECK(p.fired == 0);
    wheel.advance({11 * tick});
    CHECK(p.fired == 1);
    CHECK_FALSE(p.armed());
    wheel.advance({100 * tick});
    CHECK(p.fired == 1);
    CHECK(wheel.next() == uk::instant::never());
}

TEST_CASE("a cancelled or destroyed timer does not fire; arming again moves it") {
    uk::timer_wheel wheel;
    probe cancelled, moved;
    auto destroyed = std::make_unique<probe>();
    wheel.arm(cancelled, {5 * tick});
    wheel.arm(*destroyed, {5 * tick});
    wheel.arm(moved, {5 * tick});
    cancelled.cancel();
    destroyed.reset();
    wheel.arm(moved, {5000 * tick});
    wheel.advance({4999 * tick});
    CHECK(cancelled.fired + moved.fired == 0);
    wheel.advance({5002 * tick});
    CHECK(moved.fired == 1);
}

TEST_CASE("a timer may arm itself and destroy others from its action") {
    struct chain : uk::timer {
        explicit chain(uk::timer_wheel& w) : uk::timer(&fire), wheel(w) {}
        static void fire(uk::timer& t) {
            auto& self = static_cast<chain&>(t);
            self.victim.reset();
            if (++self.fired < 3) self.wheel.arm(self, {static_cast<std::uint64_t>(self.fired) * 100 * tick});
        }
        uk::timer_wheel& wheel;
        std::unique_ptr<probe> victim = std::make_unique<probe>();
        int fired = 0;
    };
    uk::timer_wheel wheel;
    chain c(wheel);
    wheel.arm(c, {tick});
    wheel.arm(*c.victim, {tick});
    wheel.advance({tick * 1000});
    CHECK(c.fired == 3);
}

TEST_CASE("random deadlines up to days, random steps: each fires once, in its window") {
    constexpr unsigned seed = 11;
    INFO("seed ", seed);
    std::mt19937_64 random(seed);
    uk::timer_wheel wheel;
    std::vector<probe> probes(2000);
    std::uint64_t now = 0;
    for (int round = 0; round < 5; ++round) {
        for (probe& p : probes) {
            if (p.armed()) continue;
            p.fired = 0;
            p.due = {now + random() % (std::uint64_t{1} << (10 + random() % 38))};
            wheel.arm(p, p.due);
        }
        for (int step = 0; step < 300; ++step) {
            const std::uint64_t before = now;
            now += random() % (std::uint64_t{1} << (15 + random() % 24));
            const uk::instant next = wheel.next();
            wheel.advance({now});
            for (probe& p : probes) {
                if (p.armed()) {
                    REQUIRE(p.fired == 0);
                    REQUIRE(p.due.ns + 2 * tick > now);
                } else if (p.fired == 1) {
                    REQUIRE(p.due.ns <= now);
                    if (p.due.ns > before) REQUIRE(next.ns <= p.due.ns + tick);
                    p.fired = 2;
                }
            }
        }
    }
}
