// SPDX-License-Identifier: BSL-1.0
// expect-clang: call to consteval function 'uk::net::http::json_name::json_name<.*>' is not a constant expression
// expect-gcc: uk_http_json_names_with_escapes_are_given_as_string_views
#include <uk/net/http_json.hpp>

#include <string_view>

struct sink {
    void write(std::string_view) {}
};

void fill(uk::net::http::json_object<sink>& object) {
#ifdef UK_CONTROL
    object.member("name", 1);
    object.member(std::string_view("na\"me"), 1);
#else
    object.member("na\"me", 1);
#endif
}
