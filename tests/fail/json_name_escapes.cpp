// SPDX-License-Identifier: BSL-1.0
// expect-clang: call to consteval function 'uk::net::http::json_name::json_name<.*>' is not a constant expression
// expect-gcc: uk_http_json_names_with_escapes_are_given_as_string_views
#include <uk/net/http.hpp>
#include <uk/uk.hpp>

namespace http = uk::net::http;

uk::result<> page(http::request&, http::response& out) {
#ifdef UK_CONTROL
    return out.json([](auto& o) { o.member("name", 1); });
#else
    return out.json([](auto& o) { o.member("na\"me", 1); });
#endif
}
