// SPDX-License-Identifier: BSL-1.0
#include "fakes.hpp"

#include <uk/event.hpp>
#include <uk/run.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace uk::literals;

namespace {

std::string& log() {
    static std::string all;
    return all;
}

struct slow_start {
    using needs = uk::ports<uk::port::tasks>;
    using provides = uk::ports<uk::port::packets>;
    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os), store_({}, 16) {}
        uk::scheduler& scheduler() { return os_.scheduler(); }
        uk::packet_store& store() { return store_; }
        uk::task<> start() {
            co_await uk::sleep(10ms);
            log() += "slow ";
            co_return {};
        }

    private:
        Stack& os_;
        uk::packet_store store_;
    };
};
struct after {
    using needs = uk::ports<uk::port::packets>;
    using provides = uk::ports<>;
    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {}
        uk::scheduler& scheduler() { return os_.scheduler(); }
        uk::task<> start() {
            log() += "after ";
            co_return {};
        }

    private:
        Stack& os_;
    };
};
struct broken {
    using needs = uk::ports<uk::port::tasks>;
    using provides = uk::ports<>;
    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {}
        uk::scheduler& scheduler() { return os_.scheduler(); }
        uk::task<> start() { co_return uk::fail(uk::error::no_device); }

    private:
        Stack& os_;
    };
};

struct plain : uk::stack<fakes::machine> {};
struct waiting : uk::stack<fakes::machine, after, slow_start> {};
struct failing : uk::stack<fakes::machine, broken> {};

}  // namespace

TEST_CASE("an application may return nothing, a status or a result") {
    CHECK(uk::run<plain>([](plain& os) { os[uk::port::console].print("x"); }) == 0);
    CHECK(uk::run<plain>([](plain&) { return 3; }) == 3);
    CHECK(uk::run<plain>([](plain&) { return uk::result<>{}; }) == 0);
    CHECK(uk::run<plain>([](plain&) { return uk::result<>{uk::fail(uk::error::closed)}; }) == 1);
    CHECK(uk::run<plain>([](plain&) { return uk::result<int>{3}; }) == 3);
    CHECK(uk::run<plain>([](plain&) { return uk::result<int>{uk::fail(uk::error::closed)}; }) == 1);
}

namespace {
uk::task<> app(waiting&) {
    log() += "app";
    co_await uk::sleep(5ms);
    co_return {};
}
uk::task<uk::result<int>> app_with_status(waiting&) { co_return 7; }
uk::task<> failing_app(waiting&) { co_return uk::fail(uk::error::reset); }
uk::task<> unreached(failing&) {
    log() += "app";
    co_return {};
}
}  // namespace

TEST_CASE("parts start in dependency order, then the application") {
    log().clear();
    CHECK(uk::run<waiting>(app) == 0);
    CHECK(log() == "slow after app");
    CHECK(uk::run<waiting>(failing_app) == 1);
    CHECK(uk::run<waiting>(app_with_status) == 7);
}

TEST_CASE("a part that does not start ends the machine before the application") {
    log().clear();
    CHECK(uk::run<failing>(unreached) == 1);
    CHECK(log().empty());
}

TEST_CASE("the footprint is a constant") {
    static_assert(uk::footprint<plain> == sizeof(plain) + uk::stack_octets);
    static_assert(uk::fits_in<waiting, 64 * 1024>());
    CHECK(uk::footprint<waiting> > uk::footprint<plain>);
}
