// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_world.hpp>

#include "sim_host.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace uk::literals;
using uk::instant;

namespace {

struct noted {
    uk::sim::world& w;
    std::vector<std::uint64_t> values;
    std::vector<instant> times;

    static void note(void* context, std::uint64_t value, uk::sim::frame&&) {
        auto& self = *static_cast<noted*>(context);
        self.values.push_back(value);
        self.times.push_back(self.w.now());
    }
};

struct sleeper : uk::sim::runner {
    explicit sleeper(noted& n, std::uint64_t v) : to(n), value(v) {
        run = [](runner& r) {
            auto& self = static_cast<sleeper&>(r);
            noted::note(&self.to, self.value, {});
        };
    }
    noted& to;
    std::uint64_t value;
};

}  // namespace

TEST_CASE("things happen by time, and at one time in the order of their planning, runners last") {
    uk::sim::world w(1);
    noted n{w, {}, {}};
    sleeper first(n, 10);
    sleeper second(n, 11);
    w.join(first);
    w.join(second);
    second.wake = first.wake = {3'000};
    w.at({5'000}, noted::note, &n, 1);
    w.at({3'000}, noted::note, &n, 2);
    w.at({5'000}, noted::note, &n, 3);
    w.at({3'000}, noted::note, &n, 4);
    while (w.step({4'000})) {}
    CHECK(n.values == std::vector<std::uint64_t>{2, 4, 10, 11});
    CHECK(w.now() == instant{4'000});
    CHECK_FALSE(w.at_rest());
    while (w.step(instant::never())) {}
    CHECK(n.values == std::vector<std::uint64_t>{2, 4, 10, 11, 1, 3});
    CHECK(n.times.back() == instant{5'000});
    CHECK(w.at_rest());
    CHECK(w.steps() == 6);
}

TEST_CASE("what is planned for the past happens now") {
    uk::sim::world w(1);
    noted n{w, {}, {}};
    CHECK_FALSE(w.step({9'000}));
    w.at({1'000}, noted::note, &n, 1);
    CHECK(w.step(instant::never()));
    CHECK(n.times == std::vector<instant>{{9'000}});
}

TEST_CASE("the trace depends on time, place and every octet of what arrives, and on nothing sent") {
    const auto trace = [](std::uint64_t at, unsigned seat, bool sent, const uk::sim::frame& f) {
        uk::sim::world w(1);
        w.step({at});
        w.report(seat, sent, f);
        return w.trace();
    };
    const auto f = fakes::frame_of({1, 2, 3, 4, 5, 6, 7, 8, 9});
    const auto g = fakes::frame_of({1, 2, 3, 4, 5, 6, 7, 8, 10});
    const auto base = trace(5, 1, false, f);
    CHECK(base == trace(5, 1, false, f));
    CHECK(base != trace(6, 1, false, f));
    CHECK(base != trace(5, 2, false, f));
    CHECK(base != trace(5, 1, false, g));
    CHECK(trace(5, 1, true, f) == 0);
}

TEST_CASE("observers see what is reported") {
    uk::sim::world w(1);
    fakes::sim_log log(w);
    w.step({7});
    w.report(0, true, fakes::frame_of({1}));
    w.report(1, false, fakes::frame_of({2}));
    CHECK(log.sent == std::vector<instant>{{7}});
    CHECK(log.arrived == std::vector<instant>{{7}});
    CHECK(log.octets == fakes::frame_of({2}));
}
