// SPDX-License-Identifier: BSL-1.0
#include <uk/time.hpp>

#include <doctest/doctest.h>

using namespace uk::literals;

TEST_CASE("instants saturate at never and order") {
    constexpr uk::instant start{1000};
    CHECK((start + 1us).ns == 2000);
    CHECK((start + uk::duration(-5)).ns == 1000);
    CHECK(uk::instant::never() + 1h == uk::instant::never());
    CHECK(uk::instant{~std::uint64_t{0} - 10} + 1s == uk::instant::never());
    CHECK((start + 3ns) - start == 3ns);
    CHECK(start - (start + 3ns) == -3ns);
    CHECK(start < uk::instant::never());
}
