// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/port.hpp>

#include <string_view>
#include <utility>

/// Names of servers, for clients.
namespace uk::net::http::detail {

/// What there is to await for the addresses of a name; nothing in a stack that has no resolver.
template <class Stack>
struct client_names {
    static constexpr bool resolves = false;
    struct resolving {};
    struct found {};
};
template <class Stack>
    requires(Stack::template has<port::resolver>)
struct client_names<Stack> {
    static constexpr bool resolves = true;
    using resolving = decltype(std::declval<Stack&>()[port::resolver].resolve(std::string_view{}).operator co_await());
    using found = typename decltype(std::declval<resolving&>().await_resume())::value_type;
};

}  // namespace uk::net::http::detail
