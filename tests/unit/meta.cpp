// SPDX-License-Identifier: BSL-1.0
#include <uk/meta.hpp>

#include <doctest/doctest.h>

#include <type_traits>

struct outside {};
namespace uk {
struct inside {};
template <class... T>
struct pack {};
}  // namespace uk

TEST_CASE("names without struct and uk::") {
    static_assert(uk::meta::name_of<outside>() == "outside");
    static_assert(uk::meta::name_of<uk::inside>() == "inside");
    static_assert(uk::meta::name_of<int>() == "int");
    CHECK(uk::meta::name_of<outside>() != uk::meta::name_of<uk::inside>());
}

TEST_CASE("a list of types turns into a type") {
    using made = decltype(uk::meta::apply<uk::pack>(uk::meta::types<int, char>))::type;
    CHECK(std::is_same_v<made, uk::pack<int, char>>);
}
