// SPDX-License-Identifier: BSL-1.0
#include <uk/event.hpp>
#include <uk/task.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <utility>

namespace {

struct host {
    uk::raw_memory<4096> memory;
    uk::scheduler on{memory.all()};
    uk::scheduler& scheduler() { return on; }
};

enum class trouble : unsigned char { no_memory, odd };
constexpr uk::error reduce(trouble t) { return t == trouble::odd ? uk::error::invalid : uk::error::no_memory; }

uk::task<uk::result<int>> half(host&, int n) {
    if (n % 2 != 0) co_return uk::fail(uk::error::invalid);
    co_return n / 2;
}

uk::task<uk::result<int, trouble>> strict(host&, int n) {
    if (n % 2 != 0) co_return uk::fail(trouble::odd);
    co_return n;
}

uk::task<uk::result<int>> quarter(host& h, int n) {
    const int once = co_await co_await half(h, n);
    co_return co_await half(h, once);
}

uk::task<> reduced(host& h, bool& reached) {
    const int n = co_await co_await strict(h, 3);
    reached = n != 0;
    co_return {};
}

struct watcher {
    explicit watcher(int& d) : dead(&d) {}
    watcher(watcher&& o) noexcept : dead(std::exchange(o.dead, nullptr)) {}
    ~watcher() {
        if (dead != nullptr) ++*dead;
    }
    int* dead;
};

uk::task<> wait_with(host&, watcher, uk::event& e) {
    co_await e;
    co_return {};
}

uk::task<> outer(host& h, int& dead, uk::event& e) {
    watcher mine(dead);
    co_return co_await wait_with(h, watcher(dead), e);
}

template <class T>
T finish(uk::task<T> t) {
    REQUIRE(t.start());
    REQUIRE(t.done());
    return t.take();
}

uk::task<> recurse(host& h, int depth) {
    if (depth == 0) co_return {};
    co_return co_await recurse(h, depth - 1);
}

}  // namespace

TEST_CASE("results come through, errors end the task that awaits them") {
    host h;
    CHECK(finish(quarter(h, 8)).value() == 2);
    CHECK(finish(quarter(h, 6)).error() == uk::error::invalid);
    CHECK(finish(quarter(h, 5)).error() == uk::error::invalid);
    bool reached = false;
    CHECK(finish(reduced(h, reached)).error() == uk::error::invalid);
    CHECK_FALSE(reached);
    CHECK(h.on.frames.used() == 0);
}

TEST_CASE("an exhausted arena is an error value at every depth") {
    host h;
    CHECK(finish(recurse(h, 3)).has_value());
    CHECK(finish(recurse(h, 1000)).error() == uk::error::no_memory);
    CHECK(h.on.frames.used() == 0);
}

TEST_CASE("destroying a task destroys what it awaits") {
    host h;
    uk::event e;
    int dead = 0;
    {
        auto t = outer(h, dead, e);
        REQUIRE(t.start());
        CHECK_FALSE(t.done());
        CHECK(e.awaited());
    }
    CHECK(dead == 2);
    CHECK_FALSE(e.awaited());
    CHECK(h.on.frames.used() == 0);
}

TEST_CASE("detached tasks free themselves and count their errors") {
    host h;
    uk::event e;
    int dead = 0;
    REQUIRE(outer(h, dead, e).detach());
    REQUIRE(half(h, 3).detach());
    CHECK(h.on.failed_tasks == 1);
    e.notify_all(h.on);
    h.on.run({1});
    CHECK(dead == 2);
    CHECK(h.on.frames.used() == 0);
    void* all = nullptr;
    while (void* p = h.on.frames.allocate(64)) all = p;
    CHECK(all != nullptr);
    CHECK(half(h, 2).detach().error() == uk::error::no_memory);
}

TEST_CASE("tasks move") {
    host h;
    auto a = half(h, 4);
    auto b = std::move(a);
    b = half(h, 6);
    CHECK(finish(std::move(b)).value() == 3);
    CHECK(h.on.frames.used() == 0);
}
