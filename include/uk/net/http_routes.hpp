// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/http_exchange.hpp>
#include <uk/net/http_request.hpp>
#include <uk/net/http_response.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/result.hpp>
#include <uk/task.hpp>
#include <uk/text.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

/// Which handler answers which request, as a value known at compile time.
namespace uk::net::http {

namespace detail {

struct route_row {
    http::method method;
    std::string_view path;
};

/// The task of a handler that is a coroutine; awaited by the caller. No octet where no handler is one.
template <bool Waits>
using pending_task = std::conditional_t<Waits, std::optional<task<>>, std::monostate>;

template <class Handler, class Stack>
consteval auto returned_by() {
    if constexpr (std::invocable<Handler&, Stack&, request&, response&>) {
        return std::type_identity<std::invoke_result_t<Handler&, Stack&, request&, response&>>();
    } else if constexpr (std::invocable<Handler&, request&, response&>) {
        return std::type_identity<std::invoke_result_t<Handler&, request&, response&>>();
    } else {
        return std::type_identity<std::monostate>();
    }
}

template <class Handler, class Stack>
inline constexpr bool waits = std::same_as<typename decltype(returned_by<Handler, Stack>())::type, task<>>;

// Calls a handler in whichever form it has. A coroutine is left in `pending`.
template <class Handler, class Stack, class Pending>
void call(Handler& handler, Stack& os, exchange& x, Pending& pending) {
    constexpr bool wants_stack = std::invocable<Handler&, Stack&, request&, response&>;
    constexpr bool fits = wants_stack || std::invocable<Handler&, request&, response&>;
    static_assert(
        require<fits, "net::http: a handler takes (http::request& in, http::response& out), or its stack before "
                      "these: (server& os, http::request& in, http::response& out).">());
    if constexpr (fits) {
        auto made = [&]() -> decltype(auto) {
            if constexpr (wants_stack) {
                return handler(os, x.in, x.out);
            } else {
                return handler(x.in, x.out);
            }
        };
        using returned = typename decltype(returned_by<Handler, Stack>())::type;
        if constexpr (std::same_as<returned, task<>>) pending.emplace(made());
        if constexpr (std::same_as<returned, result<>>) x.outcome = made();
        if constexpr (std::is_void_v<returned>) made();
        constexpr bool known =
            std::same_as<returned, task<>> || std::same_as<returned, result<>> || std::is_void_v<returned>;
        static_assert(require<known, "net::http: a handler returns nothing, uk::result<> or uk::task<>.">());
    }
}

/// The row for a request; `rows` when there is none. `allowed` collects the methods that the path knows. A row for GET
/// serves HEAD (RFC 9110 section 9.3.2).
inline std::size_t find_route(const route_row* row, std::size_t rows, method wanted, std::string_view path,
                              unsigned& allowed) {
    if (wanted == method::head) wanted = method::get;
    for (std::size_t i = 0; i < rows; ++i) {
        if (row[i].path != path) continue;
        if (row[i].method == wanted) return i;
        allowed |= 1U << static_cast<unsigned>(row[i].method);
    }
    return rows;
}

// RFC 9110 sections 15.5.5 and 15.5.6.
inline result<> answer_unrouted(response& out, unsigned allowed) {
    result<> r = out.error_page(allowed == 0 ? 404 : 405);
    if (allowed == 0) return r;
    if (allowed & 1U << static_cast<unsigned>(method::get)) allowed |= 1U << static_cast<unsigned>(method::head);
    r = out.begin_field("Allow: ");
    if (!r) return r;
    bool first = true;
    for (const char* name = method_words; allowed != 0; allowed >>= 1) {
        const char* const begin = name;
        while (*name != ' ') ++name;
        if ((allowed & 1U) != 0) {
            if (!std::exchange(first, false)) out.add_to_field(", ");
            out.add_to_field({begin, name});
        }
        ++name;
    }
    out.add_to_field("\r\n");
    return r;
}

template <std::size_t N>
consteval sentence table_error(const std::array<route_row, N>& rows) {
    sentence s;
    for (std::size_t i = 0; i < N; ++i) {
        if (!rows[i].path.starts_with('/')) {
            s << "net::http: the path \"" << rows[i].path << "\" of a route does not begin with '/'; add it.";
            return s;
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (rows[i].method == rows[j].method && rows[i].path == rows[j].path) {
                s << "net::http: " << name_of(rows[i].method) << " " << rows[i].path
                  << " stands twice in the route table; keep one.";
                return s;
            }
        }
    }
    return s;
}

}  // namespace detail

/// A handler with the method and the path, without query, that it answers.
template <method Method, text Path, class Handler>
struct route {
    using handler_type = const Handler;
    static constexpr detail::route_row row{Method, Path.view()};
    [[no_unique_address]] Handler handler;
};

/// `http::get<"/status">(status)` and its kin make routes. A handler takes `(http::request& in, http::response& out)`,
/// with the stack before these if it needs it, and returns nothing, a `result<>` or a `task<>`.
template <text Path, class Handler>
constexpr route<method::get, Path, Handler> get(Handler h) { return {std::move(h)}; }
template <text Path, class Handler>
constexpr route<method::post, Path, Handler> post(Handler h) { return {std::move(h)}; }
template <text Path, class Handler>
constexpr route<method::put, Path, Handler> put(Handler h) { return {std::move(h)}; }
template <text Path, class Handler>
constexpr route<method::patch, Path, Handler> patch(Handler h) { return {std::move(h)}; }
template <text Path, class Handler>
constexpr route<method::del, Path, Handler> del(Handler h) { return {std::move(h)}; }

/// Routes by exact path. Unknown paths get 404, known ones with another method 405.
template <class... Routes>
class route_table {
public:
    constexpr explicit route_table(Routes... r) : routes_(std::move(r)...) {}

    template <class Stack>
    static constexpr bool waits = (false || ... || detail::waits<typename Routes::handler_type, Stack>);

    template <class Stack, class Pending>
    [[gnu::noinline]] void dispatch(Stack& os, exchange& x, Pending& pending) const {
        unsigned allowed = 0;
        const std::size_t at = detail::find_route(rows.data(), rows.size(), x.in.method(), x.in.path(), allowed);
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((at == I && (detail::call(std::get<I>(routes_).handler, os, x, pending), true)) || ... ||
                   (x.outcome = detail::answer_unrouted(x.out, allowed), true));
        }(std::index_sequence_for<Routes...>{});
    }

    using row_type = detail::route_row;
    static constexpr std::array<row_type, sizeof...(Routes)> rows{Routes::row...};

private:
    std::tuple<Routes...> routes_;
};

/// `constexpr auto table = http::routes(http::get<"/">(home), http::post<"/echo">(echo));` A path that stands twice for
/// one method, or does not begin with '/', does not compile.
template <class... Routes>
constexpr route_table<Routes...> routes(Routes... r) {
    constexpr sentence wrong = detail::table_error(route_table<Routes...>::rows);
    static_assert(require<wrong.size() == 0, wrong>());
    return route_table<Routes...>(std::move(r)...);
}

}  // namespace uk::net::http
