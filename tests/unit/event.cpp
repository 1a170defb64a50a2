// SPDX-License-Identifier: BSL-1.0
#include <uk/event.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace uk::literals;

namespace {

struct host {
    uk::raw_memory<8192> memory;
    uk::scheduler on{memory.all()};
    uk::scheduler& scheduler() { return on; }
    void advance(uk::duration d) {
        time = time + d;
        while (on.run(time)) {}
    }
    uk::instant time{};
};

uk::task<> wait_for(host&, uk::event& e, std::string& log, char name) {
    co_await e;
    log += name;
    co_return {};
}

uk::task<> sleeper(host&, uk::duration d, std::string& log, char name) {
    co_await uk::sleep(d);
    log += name;
    co_return {};
}

uk::task<> impatient(host& h, uk::event& e, std::string& log) {
    const auto first = co_await uk::within(10ms, e.next());
    log += first ? 'y' : 'n';
    const auto second = co_await uk::within(20ms, sleeper(h, 5ms, log, 's'));
    log += second ? 'y' : 'n';
    const auto third = co_await uk::within(20ms, sleeper(h, 1h, log, 'x'));
    log += !third && third.error() == uk::error::timed_out ? 't' : '?';
    co_return {};
}

uk::task<uk::result<int>> at_once(host&) { co_return 7; }
uk::task<> eager(host& h, int& out) {
    out = co_await co_await uk::within(1s, at_once(h));
    co_return {};
}

uk::task<> polite(host&, std::string& log, char name) {
    log += name;
    co_await uk::yield();
    log += name;
    co_return {};
}

}  // namespace

TEST_CASE("one or all waiters, in the order in which they came") {
    host h;
    uk::event e;
    std::string log;
    e.notify_all(h.on);
    for (char c : {'a', 'b', 'c'}) REQUIRE(wait_for(h, e, log, c).detach());
    e.notify_one(h.on);
    h.advance(1ms);
    CHECK(log == "a");
    e.notify_all(h.on);
    h.advance(1ms);
    CHECK(log == "abc");
    CHECK_FALSE(e.awaited());
    CHECK(h.on.frames.used() == 0);
}

TEST_CASE("sleepers wake in order of their deadlines, never early") {
    host h;
    std::string log;
    REQUIRE(sleeper(h, 30ms, log, 'c').detach());
    REQUIRE(sleeper(h, 10ms, log, 'a').detach());
    REQUIRE(sleeper(h, 20ms, log, 'b').detach());
    h.advance(9ms);
    CHECK(log.empty());
    h.advance(4ms);
    CHECK(log == "a");
    h.advance(60ms);
    CHECK(log == "abc");
}

TEST_CASE("within: in time, late, and what is late is cancelled") {
    host h;
    uk::event e;
    std::string log;
    REQUIRE(impatient(h, e, log).detach());
    h.advance(5ms);
    e.notify_all(h.on);
    for (int i = 0; i < 60; ++i) h.advance(1ms);
    CHECK(log == "ysyt");
    CHECK(h.on.frames.used() == 0);
    CHECK(h.on.timers.next() != uk::instant::never());
    h.advance(2h);
    CHECK(log == "ysyt");
}

TEST_CASE("within a deadline that passes first") {
    host h;
    uk::event e;
    std::string log;
    REQUIRE(impatient(h, e, log).detach());
    for (int i = 0; i < 30; ++i) h.advance(1ms);
    CHECK(log.substr(0, 1) == "n");
    CHECK_FALSE(e.awaited());
}

TEST_CASE("an operation that is done at once") {
    host h;
    int out = 0;
    REQUIRE(eager(h, out).detach());
    h.advance(1ms);
    CHECK(out == 7);
    CHECK(h.on.frames.used() == 0);
}

TEST_CASE("event and deadline in the same round: the task ends once") {
    host h;
    uk::event e;
    std::string log;
    REQUIRE(impatient(h, e, log).detach());
    e.notify_all(h.on);
    h.advance(50ms);
    CHECK(log.size() == 1);
    h.advance(100ms);
    h.advance(100ms);
    CHECK(h.on.frames.used() == 0);
}

TEST_CASE("yield lets others run") {
    host h;
    std::string log;
    REQUIRE(polite(h, log, 'a').detach());
    REQUIRE(polite(h, log, 'b').detach());
    h.advance(1ms);
    CHECK(log == "abab");
}
