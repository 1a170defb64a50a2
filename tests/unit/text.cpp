// SPDX-License-Identifier: BSL-1.0
#include <uk/text.hpp>

#include <doctest/doctest.h>

TEST_CASE("texts are built while compiling and cut off at their capacity") {
    constexpr auto built = [] {
        uk::text<12> t;
        t << "abc" << std::size_t{0} << std::size_t{4096};
        return t;
    }();
    static_assert(built.view() == "abc04096");
    uk::text<6> small;
    small << "abcdefgh";
    CHECK(small.view() == "abcde");
    CHECK(uk::text("abc") == uk::text("abc"));
    CHECK(uk::require<true, "never shown">());
}
