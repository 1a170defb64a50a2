// SPDX-License-Identifier: BSL-1.0
#include <uk/counters.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {
struct counted {
    static constexpr std::string_view names = "good bad ugly";
    std::uint32_t good = 1;
    std::uint32_t bad = 0;
    std::uint32_t ugly = 4'000'000'000;
};
}  // namespace

TEST_CASE("each counter with its name, in order") {
    const counted c;
    std::string all;
    uk::counter_list(c).each([&](std::string_view name, std::uint32_t value) {
        all += std::string(name) + "=" + std::to_string(value) + " ";
    });
    CHECK(all == "good=1 bad=0 ugly=4000000000 ");
}

TEST_CASE("a single counter") {
    const std::uint32_t one = 7;
    std::string all;
    uk::counter_list({&one, 1}, "one").each([&](std::string_view name, std::uint32_t) { all += name; });
    CHECK(all == "one");
}
