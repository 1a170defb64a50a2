// SPDX-License-Identifier: BSL-1.0
#include <uk/result.hpp>

#include <doctest/doctest.h>

#include <memory>

TEST_CASE("values, errors, void and move-only values") {
    uk::result<int> good = 4;
    uk::result<int> bad = uk::fail(uk::error::closed);
    uk::result<> nothing;
    uk::result<std::unique_ptr<int>> owner = std::make_unique<int>(5);
    CHECK(good.value() == 4);
    CHECK(bad.error() == uk::error::closed);
    CHECK(nothing.has_value());
    CHECK(**owner == 5);
    static_assert(uk::is_result<uk::result<int>>);
    static_assert(!uk::is_result<int>);
}

TEST_CASE("every error has its own sentence") {
    for (unsigned a = 0; a <= static_cast<unsigned>(uk::error::no_device); ++a) {
        CHECK(uk::describe(static_cast<uk::error>(a)) != "unknown error");
        for (unsigned b = 0; b < a; ++b) {
            CHECK(uk::describe(static_cast<uk::error>(a)) != uk::describe(static_cast<uk::error>(b)));
        }
    }
    CHECK(uk::describe(static_cast<uk::error>(200)) == "unknown error");
}
