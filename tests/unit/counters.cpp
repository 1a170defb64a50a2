// SPDX-License-Identifier: BSL-1.0
#include <uk/counters.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

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

namespace {
constexpr std::string_view all_letters =
    "abcdefghijklmnopqrstuvwxyz_ 0123456789 a _ 9 x1y2_z a_name_of_forty_letters_the_longest_one0 one_more";
}  // namespace

TEST_CASE("every letter that a name may have") {
    std::array<std::uint32_t, 8> values{};
    std::string all;
    uk::counter_list::of<all_letters>(values).each([&](std::string_view name, std::uint32_t) {
        if (!all.empty()) all += ' ';
        all += name;
    });
    CHECK(all == all_letters);
}

namespace {
constexpr std::string_view only = "one";
}  // namespace

TEST_CASE("a single counter") {
    const std::array<std::uint32_t, 1> one{7};
    std::string all;
    uk::counter_list::of<only>(one).each([&](std::string_view name, std::uint32_t value) {
        all += name;
        CHECK(value == 7);
    });
    CHECK(all == "one");
}
