// SPDX-License-Identifier: BSL-1.0
// expect: net::http: GET /status stands twice in the route table; keep one
#include <uk/net/http.hpp>
#include <uk/uk.hpp>

namespace http = uk::net::http;

uk::result<> page(http::request&, http::response& out) { return out.text("page\n"); }
#ifdef UK_CONTROL
inline constexpr auto routes = http::routes(http::get<"/status">(page), http::post<"/status">(page));
#else
inline constexpr auto routes =
    http::routes(http::get<"/status">(page), http::get<"/">(page), http::get<"/status">(page));
#endif
