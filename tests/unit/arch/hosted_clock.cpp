// SPDX-License-Identifier: BSL-1.0
#include "../fakes.hpp"

#include <uk/arch/hosted_clock.hpp>
#include <uk/stack.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

using namespace uk::literals;

namespace {

struct doorbell {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::packets>;
    doorbell() { opened = ::pipe(ends) == 0; }
    ~doorbell() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    int descriptor() const { return ends[0]; }
    void ring() { rung = ::write(ends[1], "x", 1) == 1; }
    uk::packet_store& store() { return store_; }
    int ends[2]{};
    bool opened = false;
    bool rung = false;

private:
    uk::packet_store store_{{}, 16};
};

struct machine : uk::stack<fakes::console, uk::hosted::clock, doorbell> {};

}  // namespace

TEST_CASE("time goes forward from zero and idle ends at its deadline") {
    machine os;
    auto& clock = os[uk::port::clock];
    const uk::instant start = clock.now();
    CHECK(start < uk::instant{60'000'000'000});
    os[uk::port::idle].idle(start + 5ms);
    CHECK(clock.now() >= start + 5ms);
    os[uk::port::idle].idle(start);
    CHECK(clock.now() >= start + 5ms);
}

TEST_CASE("a part's descriptor ends idle without a deadline") {
    machine os;
    REQUIRE(os[uk::port::packets].opened);
    os[uk::port::packets].ring();
    REQUIRE(os[uk::port::packets].rung);
    os[uk::port::idle].idle(uk::instant::never());
    CHECK(os[uk::port::clock].now() < uk::instant{60'000'000'000});
}
