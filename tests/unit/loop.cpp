// SPDX-License-Identifier: BSL-1.0
#include "fakes.hpp"

#include <uk/event.hpp>
#include <uk/stack.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace uk::literals;

namespace {

struct device {
    using needs = uk::ports<uk::port::tasks>;
    using provides = uk::ports<>;
    bool poll() {
        ++polls;
        return polls < 5;
    }
    void flush() { ++flushes; }
    unsigned polls = 0;
    unsigned flushes = 0;
};

std::string& flushed() {
    static std::string all;
    return all;
}
struct card {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::frame>;
    void flush() { flushed() += "card "; }
    uk::packet receive() { return {}; }
    bool send(uk::outgoing) { return true; }
    uk::mac address() const { return {}; }
    std::size_t mtu() const { return 1500; }
};
struct layer {
    using needs = uk::ports<uk::port::frame>;
    using provides = uk::ports<>;
    void flush() { flushed() += "layer "; }
};
struct layered : uk::stack<fakes::machine, layer, card, uk::uses<uk::port::tasks>> {};

// Its first three turns end with something that came too late to be polled for.
struct late_device {
    using needs = uk::ports<uk::port::tasks>;
    using provides = uk::ports<>;
    bool flush() { return ++flushes <= 3; }
    unsigned flushes = 0;
};
struct late : uk::stack<fakes::machine, late_device, uk::uses<uk::port::clock, uk::port::tasks>> {};

struct machine : uk::stack<fakes::machine, device, uk::uses<uk::port::clock, uk::port::tasks>> {
    device& the_device() {
        device* found = nullptr;
        each([&]<class T>(T& object) {
            if constexpr (std::is_same_v<T, device>) found = &object;
        });
        return *found;
    }
};

uk::task<> nap(machine&, uk::duration d, bool& done) {
    co_await uk::sleep(d);
    done = true;
    co_return {};
}

}  // namespace

TEST_CASE("polls and flushes every part in every turn; halts only when nothing is to be done") {
    machine os;
    bool done = false;
    REQUIRE(nap(os, 50ms, done).detach());
    os[uk::port::tasks].run_until([&] { return done; });
    CHECK(os[uk::port::clock].now() >= uk::instant{50'000'000});
    CHECK(os.the_device().polls == os.the_device().flushes);
    CHECK(os.the_device().polls >= 5);
    CHECK(os[uk::port::clock].halts == os.the_device().polls - 5);
}

TEST_CASE("tasks die before the parts that they use") {
    bool done = false;
    {
        machine os;
        REQUIRE(nap(os, 1h, done).detach());
    }
    CHECK_FALSE(done);
}

TEST_CASE("layers flush before the devices that they send through") {
    layered os;
    flushed().clear();
    os[uk::port::tasks].run_until([] { return true; });
    CHECK(flushed() == "layer card ");
}

namespace {
uk::task<> compute_then_nap(machine& os, bool& done) {
    os[uk::port::clock].time = os[uk::port::clock].time + 30ms;
    co_await uk::sleep(20ms);
    done = true;
    co_return {};
}
}  // namespace

TEST_CASE("a sleep is counted from when it begins, not from the start of the round") {
    machine os;
    bool done = false;
    REQUIRE(compute_then_nap(os, done).detach());
    os[uk::port::tasks].run_until([&] { return done; });
    CHECK(os[uk::port::clock].now() >= uk::instant{50'000'000});
}

TEST_CASE("a part that says so after its flush is polled again before the machine halts") {
    late os;
    unsigned turns = 0;
    os[uk::port::tasks].run_until([&] { return ++turns == 5; });
    CHECK(os[uk::port::idle].halts == 1);  // after the fourth of five turns
}
