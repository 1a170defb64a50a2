// SPDX-License-Identifier: BSL-1.0
#pragma once

// The only header that includes Boost.Hana, and only the pieces it needs.
#include <boost/hana/concat.hpp>
#include <boost/hana/filter.hpp>
#include <boost/hana/flatten.hpp>
#include <boost/hana/transform.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

/// Lists of types as values, and the names of types.
namespace uk::meta {

namespace hana = boost::hana;

template <class... T>
inline constexpr auto types = hana::tuple_t<T...>;

/// `Template` over the types of a Hana tuple: `apply<stack_of>(types<A, B>)` has type `hana::type<stack_of<A, B>>`.
template <template <class...> class Template, class... T>
consteval auto apply(hana::tuple<T...>) {
    return hana::type_c<Template<typename T::type...>>;
}

namespace detail {

template <class T>
consteval std::string_view spelled() {
    std::string_view f = __PRETTY_FUNCTION__;
    f.remove_prefix(f.find("T = ") + 4);
    f = f.substr(0, f.find_first_of(";]"));
    for (std::string_view prefix : {"struct ", "class ", "uk::"}) {
        if (f.starts_with(prefix)) f.remove_prefix(prefix.size());
    }
    return f;
}

// A copy, so that an image that prints the name does not hold the rest of what the compiler spelled.
template <class T>
inline constexpr auto name_storage = [] {
    std::array<char, spelled<T>().size()> copy{};
    std::ranges::copy(spelled<T>(), copy.begin());
    return copy;
}();

}  // namespace detail

/// The name of `T` as the compiler spells it, without `struct ` and the namespace `uk::`.
template <class T>
consteval std::string_view name_of() {
    return {detail::name_storage<T>.data(), detail::name_storage<T>.size()};
}

}  // namespace uk::meta
