// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_routes.hpp>

#include <doctest/doctest.h>

#include "http_site.hpp"

#include <array>
#include <string>
#include <string_view>

namespace http = uk::net::http;
using fake::site;

namespace {

uk::result<> plain(http::request const&, http::response& out) { return out.text("plain"); }
void quiet(http::request&, http::response& out) { out.status(204); }
uk::result<> with_stack(fake::system& os, http::request&, http::response& out) {
    return out.text(os.scheduler().now() == os[uk::port::clock].now() ? "stack" : "other");
}
uk::task<> coroutine(fake::system&, http::request&, http::response& out) { co_return co_await out.write("coroutine"); }

constexpr auto table =
    http::routes(http::get<"/">(plain), http::get<"/quiet">(quiet), http::get<"/stack">(with_stack),
                 http::post<"/stack">(coroutine), http::put<"/stack">(plain), http::del<"/only">(plain),
                 http::get<"/generic">([](http::request const& in, auto& out) { return out.text(in.path()); }));

std::string status(std::string_view method, std::string_view path) {
    site s(table);
    return fake::status_line(
        s.ask(std::string(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: t\r\n\r\n")));
}

}  // namespace

TEST_CASE("handlers of every form") {
    site s(table);
    CHECK(fake::body(s.ask(fake::get("/"))) == "plain");
    CHECK(fake::status_line(s.ask(fake::get("/quiet"))) == "HTTP/1.1 204 No Content");
    CHECK(fake::body(s.ask(fake::get("/stack?query"))) == "stack");
    CHECK(fake::has(s.ask("POST /stack HTTP/1.1\r\nHost: t\r\n\r\n"), "9\r\ncoroutine\r\n0\r\n\r\n"));
    CHECK(fake::body(s.ask(fake::get("/generic"))) == "/generic");
}

TEST_CASE("unknown paths") {
    for (std::string_view path : {"/x", "/stack/", "/STACK", "//", "/stac", "/stack2"}) {
        CHECK(status("GET", path) == "HTTP/1.1 404 Not Found");
    }
}

TEST_CASE("another method than the path knows") {
    site s(table);
    const std::string response = s.ask("PATCH /stack HTTP/1.1\r\nHost: t\r\n\r\n");
    CHECK(fake::status_line(response) == "HTTP/1.1 405 Method Not Allowed");
    CHECK(fake::has(response, "\r\nAllow: GET, HEAD, POST, PUT\r\n"));
    CHECK(fake::has(s.ask(fake::get("/only")), "\r\nAllow: DELETE\r\n"));
    CHECK(status("HEAD", "/only") == "HTTP/1.1 405 Method Not Allowed");
    CHECK(status("HEAD", "/stack") == "HTTP/1.1 200 OK");
    CHECK(status("BREW", "/stack") == "HTTP/1.1 501 Not Implemented");
}

TEST_CASE("the sentences of a table's mistakes") {
    using http::detail::route_row;
    constexpr auto get = http::method::get;
    constexpr auto twice = http::detail::table_error(
        std::array{route_row{get, "/a"}, route_row{http::method::post, "/a"}, route_row{get, "/a"}});
    CHECK(twice.view() == "net::http: GET /a stands twice in the route table; keep one.");
    constexpr auto slash = http::detail::table_error(std::array{route_row{get, "a"}});
    CHECK(slash.view() == "net::http: the path \"a\" of a route does not begin with '/'; add it.");
    constexpr auto good = http::detail::table_error(std::array{route_row{get, "/a"}, route_row{get, "/b"}});
    CHECK(good.size() == 0);
}
