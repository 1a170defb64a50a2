// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_clock.hpp>

#include "sim_host.hpp"

#include <doctest/doctest.h>

TEST_CASE("a machine's clock begins when it is switched on and follows the world") {
    uk::sim::world w(1);
    uk::sim::seat s(w, 0);
    w.step({3'000});
    fakes::sim_host host(s);
    s.switch_on(host);
    auto& clock = host[uk::port::clock];
    CHECK(clock.now() == uk::instant{0});
    while (w.step({10'000})) {}
    CHECK(clock.now() == uk::instant{7'000});
    clock.idle({9'000});
    CHECK(w.step(uk::instant::never()));
    CHECK(w.now() == uk::instant{12'000});
    clock.idle(uk::instant::never());
    CHECK(w.at_rest());
}
