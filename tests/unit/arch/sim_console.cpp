// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_console.hpp>

#include "sim_host.hpp"

#include <doctest/doctest.h>

TEST_CASE("what is printed stays in the seat, beyond the machine's life") {
    uk::sim::world w(1);
    uk::sim::seat s(w, 0);
    { fakes::sim_host(s)[uk::port::console].print("boot {}\n", 1); }
    { fakes::sim_host(s)[uk::port::console].print("boot {}\n", 2); }
    CHECK(s.written == "boot 1\nboot 2\n");
}
