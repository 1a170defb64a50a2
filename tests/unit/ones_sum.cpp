// SPDX-License-Identifier: BSL-1.0
#include <uk/ones_sum.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

static_assert(uk::fold_sum(0) == 0);
static_assert(uk::fold_sum(0x1'ffff) == 1);
static_assert(uk::fold_sum(~std::uint64_t{0}) == 0xffff);

TEST_CASE("built for size and for speed, the sum is the same") {
    std::mt19937 random(20261127);
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::byte> octets(random() % 200);
        const bool full = round % 4 == 0;
        for (std::byte& o : octets) o = full ? std::byte{0xff} : static_cast<std::byte>(random());
        const std::size_t from = octets.empty() ? 0 : random() % std::min<std::size_t>(octets.size(), 9);
        const uk::bytes piece = uk::bytes(octets).subspan(from);
        // 0 and 0xffff are the same number in ones' complement.
        const auto value = [](std::uint16_t v) { return v == 0xffff ? 0 : v; };
        CHECK(value(uk::ones_sum<true>(piece)) == value(uk::ones_sum<false>(piece)));
    }
}
