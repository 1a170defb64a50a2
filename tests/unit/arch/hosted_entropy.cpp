// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/hosted_entropy.hpp>

#include <doctest/doctest.h>

#include <array>

TEST_CASE("two fills differ") {
    uk::hosted::entropy source;
    std::array<std::byte, 32> a{}, b{};
    CHECK(source.fill(a));
    CHECK(source.fill(b));
    CHECK(a != b);
    CHECK(source.fill({}));
}
