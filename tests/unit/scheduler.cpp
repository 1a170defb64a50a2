// SPDX-License-Identifier: BSL-1.0
#include <uk/task.hpp>

#include <doctest/doctest.h>

#include <optional>

namespace {

struct host {
    uk::raw_memory<4096> memory;
    uk::scheduler on{memory.all()};
    uk::scheduler& scheduler() { return on; }
};

struct turn : uk::waiter {
    explicit turn(host& h) : host_(h) {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> c) {
        coroutine = c;
        host_.on.make_ready(*this);
    }
    void await_resume() {}
    host& host_;
};

uk::task<> count(host& h, int& n) {
    for (int i = 0; i < 3; ++i) {
        ++n;
        co_await turn(h);
    }
    co_return {};
}

}  // namespace

TEST_CASE("work made ready on the way waits for the next round") {
    host h;
    int n = 0;
    REQUIRE(count(h, n).detach());
    CHECK(n == 1);
    CHECK(h.on.run({1}));
    CHECK(n == 2);
    CHECK(h.on.run({2}));
    CHECK(h.on.now() == uk::instant{2});
    CHECK_FALSE(h.on.run({3}));
    CHECK(n == 3);
    CHECK(h.on.frames.used() == 0);
}

TEST_CASE("destroying the tasks empties the ready list and the arena") {
    host h;
    int n = 0;
    REQUIRE(count(h, n).detach());
    h.on.destroy_tasks();
    CHECK(h.on.frames.used() == 0);
    CHECK_FALSE(h.on.run({1}));
    CHECK(n == 1);
}
