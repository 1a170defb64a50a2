// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_seat.hpp>

#include "sim_host.hpp"

#include <uk/event.hpp>
#include <uk/task.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace uk::literals;
using uk::instant;

namespace {

uk::task<> tick(fakes::sim_host& os, std::vector<instant>& times) {
    while (true) {
        co_await uk::sleep(100ms);
        times.push_back(os[uk::port::clock].now());
    }
}

}  // namespace

TEST_CASE("a machine gets its turn when its loop wants one, and none when it is off") {
    uk::sim::world w(1);
    uk::sim::seat s(w, 0);
    CHECK_FALSE(w.step({5'000'000'000}));
    std::vector<instant> times;
    {
        fakes::sim_host host(s);
        s.switch_on(host);
        CHECK(tick(host, times).detach());
        while (w.step({6'000'000'000})) {}
        CHECK(times.size() >= 8);
        CHECK(times.size() <= 10);
        CHECK(times.back() <= instant{1'000'000'000});
        CHECK(s.on());
    }
    CHECK_FALSE(s.on());
    CHECK(w.at_rest());
    CHECK(s.boots() == 1);
}

TEST_CASE("frames wait for the machine's turn, in a ring of some size") {
    uk::sim::world w(1);
    uk::sim::seat s(w, 0);
    s.ring = 2;
    s.latency = 1ms;
    s.arrive(fakes::frame_of({1}));
    CHECK(s.counted.overrun == 1);
    fakes::sim_host host(s);
    s.switch_on(host);
    while (w.step({1'000})) {}
    for (int i = 1; i <= 3; ++i) s.arrive(fakes::frame_of({i}));
    CHECK(s.counted.overrun == 2);
    CHECK_FALSE(w.at_rest());
    CHECK(w.step({2'000'000}));
    CHECK(w.now() == instant{1'001'000});
    CHECK(s.take() == fakes::frame_of({1}));
    CHECK(s.take() == fakes::frame_of({2}));
    CHECK(s.take().empty());
}

TEST_CASE("seats have addresses of their own") {
    uk::sim::world w(1);
    CHECK(uk::sim::seat(w, 1).address() != uk::sim::seat(w, 257).address());
    CHECK_FALSE(uk::sim::seat(w, 1).address().is_group());
}
