// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_entropy.hpp>

#include "sim_host.hpp"

#include <doctest/doctest.h>

#include <array>

namespace {

std::array<std::byte, 16> draw(uk::sim::seat& s) {
    fakes::sim_host host(s);
    std::array<std::byte, 16> octets{};
    CHECK(host[uk::port::entropy].fill(octets));
    return octets;
}

}  // namespace

TEST_CASE("randomness repeats with the seed, and differs from seat to seat and boot to boot") {
    uk::sim::world w(5);
    uk::sim::seat a(w, 0);
    uk::sim::seat b(w, 1);
    const auto first = draw(a);
    CHECK(draw(b) != first);
    CHECK(draw(a) != first);
    uk::sim::world again(5);
    uk::sim::seat c(again, 0);
    CHECK(draw(c) == first);
    uk::sim::world other(6);
    uk::sim::seat d(other, 0);
    CHECK(draw(d) != first);
}
