// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_client_state.hpp>

#include <doctest/doctest.h>

#include <uk/packets.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http = uk::net::http;
using http::client_error;
using namespace uk::literals;

namespace {

constexpr http::origin there{"10.0.0.9"_ip4, 80, "example.org"};

struct fixture {
    uk::packets<{.buffers = 3}> packets;
    http::detail::client_state state{packets.store()};
    http::client_limits limits{.head_octets = 100, .interim = 1, .body_octets = 6};

    uk::result<bool, client_error> head(std::string_view text) {
        state.unread = uk::as_bytes(text);
        return state.take_head(limits);
    }
    /// Whether the head is whole, with nothing wrong.
    bool whole(std::string_view text) {
        const auto taken = head(text);
        CHECK(taken);
        return taken && *taken;
    }
    uk::result<uk::bytes, client_error> body(std::string_view text) {
        state.unread = uk::as_bytes(text);
        return state.take_body(limits);
    }
    std::size_t buffers() { return packets.count - packets.store().available(); }
};

}  // namespace

TEST_CASE("a request's head") {
    fixture f;
    CHECK_FALSE(f.state.compose({}, there, "/a"));
    CHECK(uk::as_text(f.state.request.contents()) == "GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n");
    CHECK_FALSE(f.state.compose({.method = http::method::del}, {.address = "10.0.0.9"_ip4, .port = 8080}, "/?"));
    CHECK(uk::as_text(f.state.request.contents()) == "DELETE /? HTTP/1.1\r\nHost: 10.0.0.9:8080\r\n\r\n");
    CHECK(f.state.compose({}, there, "a") == client_error::invalid_request);
    f.state.forget();
    CHECK(f.buffers() == 0);
}

TEST_CASE("a request's head that fits a buffer to the octet, and one octet more") {
    const std::string_view fixed = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
    for (std::size_t more : {0U, 1U}) {
        fixture f;
        const std::string target = "/" + std::string(f.packets.store().capacity() - fixed.size() + more, 'a');
        CHECK(f.state.compose({}, there, target).has_value() == (more != 0));
        CHECK(f.buffers() == 1 - more);
    }
}

TEST_CASE("a head is taken, what follows stays unread") {
    fixture f;
    f.state.expect(http::method::get);
    CHECK_FALSE(f.state.heard);
    CHECK_FALSE(f.whole("HTTP/1.1 200 OK\r\nContent-"));
    CHECK(f.state.heard);
    CHECK(f.whole("Length: 5\r\n\r\nhello"));
    CHECK(f.state.head.length == 5);
    CHECK(uk::as_text(f.state.unread) == "hello");
    CHECK_FALSE(f.state.done());
    CHECK_FALSE(f.state.is_reusable());
    f.state.skip_body(f.limits);
    CHECK(f.state.done());
    CHECK(f.state.is_reusable());
    f.state.unread = uk::as_bytes("x");
    CHECK_FALSE(f.state.is_reusable());
    f.state.expect(http::method::get);
    CHECK_FALSE(f.state.is_reusable());
    CHECK(f.buffers() == 0);
}

TEST_CASE("the limit of a head holds to the octet") {
    const std::string rest = "\r\n\r\n";
    const std::string first = "HTTP/1.1 200 OK\r\nA: ";
    for (std::size_t more : {0U, 1U}) {
        fixture f;
        f.state.expect(http::method::get);
        const auto taken = f.head(first + std::string(100 - first.size() - rest.size() + more, 'x') + rest);
        CHECK(taken.has_value() == (more == 0));
        if (!taken) CHECK(taken.error() == client_error::head_too_long);
    }
}

TEST_CASE("interim heads have the limit each, and are limited in number") {
    fixture f;
    f.state.expect(http::method::get);
    const std::string early = "HTTP/1.1 103 x\r\nA: " + std::string(60, 'x') + "\r\n\r\n";
    CHECK_FALSE(f.whole(early));
    CHECK(f.whole("HTTP/1.1 204 x\r\n\r\n"));
    CHECK(f.state.head.status == 204);
    f.state.expect(http::method::get);
    CHECK(f.head(early + early).error() == client_error::too_many_interim);
}

TEST_CASE("a body up to the end of the connection") {
    fixture f;
    f.state.expect(http::method::get);
    CHECK(f.whole("HTTP/1.1 200 OK\r\n\r\nabc"));
    CHECK(uk::as_text(*f.state.take_body(f.limits)) == "abc");
    CHECK(f.state.take_body(f.limits)->empty());
    CHECK_FALSE(f.state.done());
    CHECK(uk::as_text(*f.body("def")) == "def");
    CHECK(f.body("g").error() == client_error::body_too_long);
    CHECK(f.state.ended());
    CHECK(f.state.done());
    CHECK_FALSE(f.state.is_reusable());
}

TEST_CASE("a counted body that ends with the connection is cut off") {
    fixture f;
    f.state.expect(http::method::get);
    CHECK(f.whole("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
    CHECK(uk::as_text(*f.state.take_body(f.limits)) == "abc");
    CHECK_FALSE(f.state.ended());
    CHECK_FALSE(f.state.done());
}

TEST_CASE("no buffers") {
    fixture f;
    std::vector<uk::packet> all;
    while (uk::packet p = f.packets.store().take()) all.push_back(std::move(p));
    CHECK(f.state.compose({}, there, "/") == client_error::no_buffers);
    f.state.expect(http::method::get);
    CHECK(f.head("HTTP/1.1 200 OK\r\n\r\n").error() == client_error::no_buffers);
}

TEST_CASE("URLs that can be asked for") {
    const auto read = [](std::string_view s) {
        const auto u = http::parse_url(s);
        return u ? std::string(u->to.host) + " " + std::to_string(u->to.port) + " " + std::string(u->target) : "none";
    };
    CHECK(read("http://example.org") == "example.org 80 /");
    CHECK(read("HTTP://example.org:8080/a/b?c#d") == "example.org 8080 /a/b?c");
    CHECK(read("http://10.0.2.2:1/") == "10.0.2.2 1 /");
    CHECK(read("http://a:65535/") == "a 65535 /");
    for (std::string_view bad : {"", "/path", "example.org", "https://example.org/", "http:/a", "http://", "http:///a",
                                 "http://:80/", "http://a:/", "http://a:0/", "http://a:65536/", "http://a:-1/",
                                 "http://a:b/", "http://u@a/", "http://a b/"}) {
        CAPTURE(bad);
        CHECK(read(bad) == "none");
    }
}
