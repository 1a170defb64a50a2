// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>

#include <string_view>

namespace uk {

namespace detail {

template <class... Lists>
struct joined_ports;
template <auto... Ports>
struct joined_ports<ports<Ports...>> {
    using type = ports<Ports...>;
};
template <auto... A, auto... B, class... Rest>
struct joined_ports<ports<A...>, ports<B...>, Rest...> : joined_ports<ports<A..., B...>, Rest...> {};

/// The object of one of several sources, constructed from the stack if it wants to be.
template <class Object>
struct entropy_source {
    template <class Stack>
    explicit entropy_source(Stack& os)
        requires std::is_constructible_v<Object, Stack&>
        : object(os) {}
    template <class Stack>
    explicit entropy_source(Stack&)
        requires(!std::is_constructible_v<Object, Stack&>)
    {}
    Object object{};
};

}  // namespace detail

/// Randomness from the first of `Sources` that works each time, in the order written; none working is a `fill` that
/// fails. Each source is a part that provides port::entropy.
template <class... Sources>
struct any_entropy {
    using needs = typename detail::joined_ports<ports<>, typename Sources::needs...>::type;
    using provides = ports<port::entropy>;
    static constexpr std::string_view name = "uk::any_entropy";

    template <class Stack>
    class in : detail::entropy_source<typename detail::object_of<Sources, Stack>::type>... {
    public:
        [[gnu::noinline]] explicit in(Stack& os)
            : detail::entropy_source<typename detail::object_of<Sources, Stack>::type>(os)... {}

        bool fill(writable_bytes out) {
            return (false || ... ||
                    static_cast<detail::entropy_source<typename detail::object_of<Sources, Stack>::type>&>(*this)
                        .object.fill(out));
        }
    };
};

}  // namespace uk
