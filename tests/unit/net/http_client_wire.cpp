// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_client_wire.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace http = uk::net::http;
using http::body_end;
using http::client_error;
using http::response_head;

namespace {

std::optional<client_error> parse(std::string_view text, response_head& out, bool to_head = false,
                                  http::head_limits limits = {}) {
    std::uint32_t line = 0;
    const http::head_end end = http::find_head_end(text, line);
    REQUIRE(end.size == text.size());
    return http::parse_response_head(text, to_head, limits, out);
}

std::optional<client_error> parse(std::string_view text) {
    response_head out;
    return parse(text, out);
}

std::optional<client_error> with_fields(std::string_view fields) {
    return parse(std::string("HTTP/1.1 200 OK\r\n").append(fields).append("\r\n"));
}

response_head good(std::string_view text, bool to_head = false) {
    response_head out;
    CAPTURE(text);
    CHECK_FALSE(parse(text, out, to_head));
    return out;
}

}  // namespace

TEST_CASE("status lines") {
    CHECK(good("HTTP/1.1 200 OK\r\n\r\n").status == 200);
    CHECK(good("HTTP/1.1 404 \r\n\r\n").status == 404);
    CHECK(good("HTTP/1.0 599 What is it?\r\n\r\n").status == 599);
    CHECK(good("HTTP/1.1 200\r\n\r\n").status == 200);
    CHECK(good("HTTP/1.7 200 \xc3\xa4\r\n\r\n").status == 200);
    for (std::string_view line :
         {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 +20 OK",
          "HTTP/1.1 099 OK", "HTTP/1.1 600 OK", "HTTP/1.1 2x0 OK", "http/1.1 200 OK", "HTTP/11 200 OK", "200 OK",
          "HTTP/1.1\t200 OK", "HTTP/1.1 200 O\x01K", "HTTP/1.1 200 O\x7fK", "HTTP/1.1 200 OK\r", "ICY 200 OK",
          "HTTP/1.1 -00 OK"}) {
        CAPTURE(line);
        CHECK(parse(std::string(line) + "\r\n\r\n") == client_error::bad_status_line);
    }
    CHECK(parse("HTTP/2.0 200 OK\r\n\r\n") == client_error::bad_version);
    CHECK(parse("HTTP/0.9 200 OK\r\n\r\n") == client_error::bad_version);
}

TEST_CASE("how a body ends") {
    CHECK(good("HTTP/1.1 200 OK\r\n\r\n").end == body_end::close);
    CHECK(good("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").end == body_end::length);
    CHECK(good("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n").end == body_end::chunks);
    for (std::string_view status : {"100", "199", "204", "304"}) {
        const auto text = std::string("HTTP/1.1 ").append(status).append(" x\r\nContent-Length: 5\r\n\r\n");
        CHECK(good(text).end == body_end::none);
        CHECK(good(text).length == 5);
    }
    CHECK(good("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true).end == body_end::none);
    CHECK(good("HTTP/1.1 200 OK\r\n\r\n", true).end == body_end::none);
}

TEST_CASE("whether the connection stays open") {
    const auto keeps = [](std::string_view version, std::string_view fields) {
        return good(std::string("HTTP/").append(version).append(" 200 OK\r\n").append(fields).append("\r\n"))
            .keep_alive;
    };
    constexpr std::string_view length = "Content-Length: 1\r\n";
    const auto also = [&](std::string_view more) { return std::string(length).append(more).append("\r\n"); };
    CHECK(keeps("1.1", length));
    CHECK_FALSE(keeps("1.1", ""));
    CHECK_FALSE(keeps("1.0", length));
    CHECK(keeps("1.0", also("Connection: Keep-Alive")));
    CHECK_FALSE(keeps("1.1", also("Connection: x, Close")));
    CHECK_FALSE(keeps("1.1", also("Connection: keep-alive, close")));
    CHECK_FALSE(keeps("1.1", also("Connection: keep-alive\r\nConnection: close")));
}

TEST_CASE("lengths and codings that could be read in two ways") {
    for (std::string_view value : {"-1", "+1", "1 2", "0x10", "", "a", "5, 5", "5,5", "1_0"}) {
        CAPTURE(value);
        CHECK(with_fields(std::string("Content-Length: ").append(value).append("\r\n")) == client_error::bad_length);
    }
    CHECK(with_fields("Content-Length: 5\r\nContent-Length: 5\r\n") == client_error::bad_length);
    CHECK(with_fields("Content-Length: 5\r\nContent-Length: 6\r\n") == client_error::bad_length);
    CHECK(with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == client_error::length_and_coding);
    CHECK(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == client_error::length_and_coding);
    CHECK(with_fields("Transfer-Encoding: gzip, chunked\r\n") == client_error::unknown_coding);
    CHECK(with_fields("Transfer-Encoding: gzip\r\n") == client_error::bad_coding);
    CHECK(with_fields("Transfer-Encoding: chunked, chunked\r\n") == client_error::bad_coding);
    CHECK(with_fields("Transfer-Encoding:\r\n") == client_error::bad_coding);
    CHECK(parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == client_error::bad_coding);
    for (std::string_view value : {"2147483648", "4294967297", "18446744073709551615", "18446744073709551616"}) {
        response_head h;
        const auto text = std::string("HTTP/1.1 200 OK\r\nContent-Length: ").append(value).append("\r\n\r\n");
        CHECK_FALSE(parse(text, h));
        CHECK(parse(text, h, false, {.fields = 9, .body_octets = 1000}) == client_error::body_too_long);
        CHECK_FALSE(parse(text, h, true, {.fields = 9, .body_octets = 1000}));
    }
}

TEST_CASE("fields") {
    CHECK_FALSE(with_fields("A: b\r\nX-Empty:\r\nE:\t f \t\r\n"));
    for (std::string_view line :
         {"A : b", ": b", "nothing", "A: \x01", "A: b\x7f", "A: b\rc", "A(: b", " folded: x", "\tfolded: x"}) {
        CAPTURE(line);
        CHECK(with_fields(std::string("B: c\r\n").append(line).append("\r\n")) == client_error::bad_field);
    }
    response_head h;
    CHECK_FALSE(parse("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n", h, false, {.fields = 2}));
    CHECK(http::find_field(h.fields, "b") == "2");
    CHECK(parse("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n", h, false, {.fields = 1}) == client_error::too_many_fields);
}

TEST_CASE("every octet at every place of a head is survived") {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n";
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (int octet = 0; octet < 256; ++octet) {
            std::string bad = text;
            bad[at] = static_cast<char>(octet);
            std::uint32_t line = 0;
            const http::head_end end = http::find_head_end(bad, line);
            if (end.size == 0) continue;
            response_head h;
            if (!http::parse_response_head(bad.substr(0, end.size), false, {}, h)) CHECK(h.status / 100 <= 5);
        }
    }
}

TEST_CASE("locations") {
    const auto is = [](std::string_view s, std::string_view authority, std::string_view target) {
        const auto l = http::parse_location(s);
        CAPTURE(s);
        REQUIRE(l);
        CHECK(l->authority == authority);
        CHECK(l->target == target);
    };
    is("/a?b=c", "", "/a?b=c");
    is("/a#fragment", "", "/a");
    is("http://h", "h", "/");
    is("HTTP://h:81/a", "h:81", "/a");
    is("//h/a?b", "h", "/a?b");
    is("http:/a", "", "/a");
    for (std::string_view s : {"", "a", "?q", "#f", "https://h/", "ftp://h/", "http://", "http:///a", "http://u@h/",
                               "/a b", "/\x7f", "/\xc3\xa4", "http://h?q", "mailto:x"}) {
        CAPTURE(s);
        CHECK_FALSE(http::parse_location(s));
    }
}

TEST_CASE("each error has a sentence of its own and an error of the system") {
    std::set<std::string_view> all;
    for (int i = 0; i <= static_cast<int>(client_error::failed); ++i) {
        const auto e = static_cast<client_error>(i);
        CHECK_FALSE(http::describe(e).empty());
        CHECK(all.insert(http::describe(e)).second);
        CHECK_FALSE(uk::describe(reduce(e)).empty());
    }
    CHECK(http::describe(client_error::no_memory) == uk::describe(uk::error::no_memory));
    CHECK(http::describe(client_error::cut_off) == "the connection ended before the response did");
    CHECK(http::describe(client_error::switched) == "the server switched to a protocol that nobody asked for");
    CHECK(http::describe(client_error::failed) == "the connection failed");
    CHECK(reduce(client_error::head_timed_out) == uk::error::timed_out);
    CHECK(reduce(client_error::body_too_long) == uk::error::too_large);
    CHECK(reduce(client_error::bad_chunk) == uk::error::invalid);
}
