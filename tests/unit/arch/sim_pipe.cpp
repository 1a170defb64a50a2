// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_pipe.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

using namespace uk::literals;
using uk::instant;
using uk::sim::frame;

namespace {

struct arrivals {
    explicit arrivals(const uk::sim::quality& q) : p(w, q, 1, take, this, 0) {}

    static void take(void* context, std::uint64_t, frame&& f) {
        auto& self = *static_cast<arrivals*>(context);
        self.times.push_back(self.w.now());
        self.marks.push_back(std::to_integer<int>(f.front()));
    }
    auto carry(int mark, std::size_t size = 101) {
        frame f(size);
        f.front() = static_cast<std::byte>(mark);
        return p.carry(std::move(f));
    }
    void run() {
        while (w.step(instant::never())) {}
    }

    uk::sim::world w{11};
    std::vector<instant> times;
    std::vector<int> marks;
    uk::sim::pipe p;
};

}  // namespace

TEST_CASE("frames leave one after the other at the link's rate, and arrive after its delay") {
    arrivals a({.bits_per_second = 1'000'000, .delay = 10ms});
    CHECK(a.carry(1) == instant{1'000'000});  // 101 octets and 24 around them
    CHECK(a.carry(2) == instant{2'000'000});
    a.run();
    CHECK(a.times == std::vector<instant>{{11'000'000}, {12'000'000}});
    CHECK(a.carry(3) == instant{13'000'000});
}

TEST_CASE("a full queue drops, or refuses") {
    for (const bool refuses : {false, true}) {
        arrivals a({.bits_per_second = 1'000'000, .queue = 2, .refuses = refuses});
        CHECK(a.carry(1));
        CHECK(a.carry(2));
        CHECK(a.carry(3).has_value() == !refuses);
        CHECK(a.p.counted.overflowed == 1);
        while (a.w.step({1'000'000})) {}
        CHECK(a.carry(4) == instant{3'000'000});
        a.run();
        CHECK(a.marks == std::vector<int>{1, 2, 4});
    }
}

TEST_CASE("jitter delays and keeps the order; only chosen frames are overtaken") {
    arrivals calm({.delay = 1ms, .jitter = 20ms});
    for (int i = 0; i < 100; ++i) calm.carry(i);
    calm.run();
    CHECK(std::is_sorted(calm.marks.begin(), calm.marks.end()));
    CHECK(calm.times.back() - calm.times.front() > 5ms);

    arrivals wild({.delay = 1ms, .reorder = 300'000, .reorder_by = 20ms});
    for (int i = 0; i < 100; ++i) wild.carry(i);
    wild.run();
    CHECK(wild.marks.size() == 100);
    CHECK_FALSE(std::is_sorted(wild.marks.begin(), wild.marks.end()));
    CHECK(wild.p.counted.overtaken > 10);
    CHECK(wild.p.counted.overtaken < 60);
}

TEST_CASE("loss and duplication come as often as asked for") {
    arrivals a({.queue = 100'000, .loss = 100'000, .duplicate = 50'000});
    for (int i = 0; i < 10'000; ++i) a.carry(1);
    a.run();
    CHECK(a.p.counted.lost > 850);
    CHECK(a.p.counted.lost < 1150);
    CHECK(a.p.counted.duplicated > 350);
    CHECK(a.p.counted.duplicated < 550);
    CHECK(a.marks.size() == 10'000 - a.p.counted.lost + a.p.counted.duplicated);
}

TEST_CASE("a spoiler changes frames, or has them lost; without one they are lost; a cut link carries nothing") {
    arrivals a({.corrupt = 1'000'000});
    a.carry(1);
    a.p.spoil = [](uk::sim::random&, frame& f) {
        f.front() ^= std::byte{0x80};
        return f.front() != std::byte{0x83};
    };
    a.carry(2);
    a.carry(3);
    a.p.cut = true;
    a.carry(4);
    a.run();
    CHECK(a.marks == std::vector<int>{0x82});
    CHECK(a.p.counted.corrupted == 1);
    CHECK(a.p.counted.hidden == 2);
    CHECK(a.p.counted.cut == 1);
}

TEST_CASE("a pipe can be led elsewhere") {
    arrivals a({});
    arrivals b({});
    a.carry(1);
    a.p.lead_to(arrivals::take, &b, 0);
    a.carry(2);
    a.run();
    CHECK(a.marks == std::vector<int>{1});
    CHECK(b.marks == std::vector<int>{2});
}
