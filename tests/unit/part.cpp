// SPDX-License-Identifier: BSL-1.0
#include <uk/part.hpp>

#include <doctest/doctest.h>

#include <type_traits>

namespace {
struct plain {
    using needs = uk::ports<uk::port::clock>;
    using provides = uk::ports<uk::port::console, uk::port::idle>;
};
struct placed {
    using needs = uk::ports<>;
    using provides = uk::ports<>;
    static constexpr std::string_view name = "placed by hand";
    template <class Stack>
    class in {};
};
}  // namespace

TEST_CASE("a row says what the wiring must know") {
    constexpr auto row = uk::detail::row_of<plain>(true);
    CHECK(row.offered);
    CHECK(row.needs.size == 1);
    CHECK(row.provides.size == 2);
    CHECK(row.provides.contains(uk::detail::port_info_of<uk::port::idle_port>));
    CHECK_FALSE(row.provides.contains(uk::detail::port_info_of<uk::port::clock_port>));
    CHECK(row.name.find("plain") != std::string_view::npos);
    CHECK(uk::detail::row_of<placed>(false).name == "placed by hand");
}

TEST_CASE("the object of a part is the part itself or its `in`") {
    static_assert(std::is_same_v<uk::detail::object_of<plain, int>::type, plain>);
    CHECK(std::is_same_v<uk::detail::object_of<placed, int>::type, placed::in<int>>);
    static_assert(uk::part<plain> && !uk::part<int>);
}
