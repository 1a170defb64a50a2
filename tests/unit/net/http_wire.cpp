// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_wire.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace http = uk::net::http;
using http::fault;
using http::request_head;

namespace {

fault parse(std::string_view text, request_head& out, http::head_limits limits = {}) {
    std::uint32_t line = 0;
    const http::head_end end = http::find_head_end(text, line);
    if (end.wrong != fault::none) return end.wrong;
    REQUIRE(end.size == text.size());
    return http::parse_head(text, limits, out);
}

fault parse(std::string_view text) {
    request_head out;
    return parse(text, out);
}

fault with_fields(std::string_view fields) {
    return parse(std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n"));
}

}  // namespace

TEST_CASE("a request line is taken apart") {
    request_head h;
    CHECK(parse("POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n", h) == fault::none);
    CHECK(h.method == http::method::post);
    CHECK(h.target == "/a/b?c=d");
    CHECK(h.length == 12);
    CHECK(h.keep_alive);
    CHECK_FALSE(h.version_1_0);
    CHECK_FALSE(h.chunked);
}

TEST_CASE("each method has its name") {
    for (std::string_view name : http::method_names) {
        request_head h;
        CHECK(parse(std::string(name) + " / HTTP/1.1\r\nHost: x\r\n\r\n", h) == fault::none);
        CHECK(name_of(h.method) == name);
    }
    for (std::string_view name : {"TRACE", "CONNECT", "get", "GETT", "GE", "M-SEARCH"}) {
        CHECK(parse(std::string(name) + " / HTTP/1.1\r\nHost: x\r\n\r\n") == fault::unknown_method);
    }
}

TEST_CASE("request lines that are none") {
    for (std::string_view line :
         {"GET /", "GET", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1", "GET / HTTP/11.1",
          "GET / http/1.1", "GET / HTTP/a.b", "GET / HTTP/1.1 x", "G(T / HTTP/1.1", "GET\t/ HTTP/1.1", "/ HTTP/1.1",
          "GET / HTTP/1.1\r", "\x01\xff / HTTP/1.1", "GET / HTTP/1.10"}) {
        CAPTURE(line);
        CHECK(parse(std::string(line) + "\r\nHost: x\r\n\r\n") == fault::bad_request_line);
    }
    // A NUL ends no line.
    CHECK(parse(std::string_view("GET \0 HTTP/1.1\r\nHost: x\r\n\r\n", 27)) == fault::bad_target);
}

TEST_CASE("versions") {
    CHECK(parse("GET / HTTP/2.0\r\nHost: x\r\n\r\n") == fault::bad_version);
    CHECK(parse("GET / HTTP/3.0\r\nHost: x\r\n\r\n") == fault::bad_version);
    CHECK(parse("GET / HTTP/0.9\r\nHost: x\r\n\r\n") == fault::bad_version);
    request_head h;
    CHECK(parse("GET / HTTP/1.0\r\n\r\n", h) == fault::none);
    CHECK(h.version_1_0);
    CHECK_FALSE(h.keep_alive);
    h = {};
    CHECK(parse("GET / HTTP/1.7\r\nHost: x\r\n\r\n", h) == fault::none);
    CHECK_FALSE(h.version_1_0);
}

TEST_CASE("targets") {
    struct row {
        std::string_view sent, seen;
    };
    for (const row& r : {row{"/", "/"}, row{"/a?b=c&d", "/a?b=c&d"}, row{"http://host/x", "/x"},
                         row{"http://host", "/"}, row{"HTTPS://host:1?q", "?q"}}) {
        request_head h;
        CAPTURE(r.sent);
        const auto text = std::string("GET ").append(r.sent).append(" HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(parse(text, h) == fault::none);
        CHECK(h.target == r.seen);
    }
    for (std::string_view target : {"a", "*", "http://", "http:///x", "/a#b", "/\x7f", "/\xc3\xa4", "ftp://a/"}) {
        CAPTURE(target);
        CHECK(parse(std::string("GET ").append(target).append(" HTTP/1.1\r\nHost: x\r\n\r\n")) == fault::bad_target);
    }
    CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n") == fault::none);
}

TEST_CASE("field lines") {
    CHECK(with_fields("A: b\r\nX-Empty:\r\nC:d\r\nE:\t f \t\r\n") == fault::none);
    CHECK(with_fields("A : b\r\n") == fault::bad_field);
    CHECK(with_fields(": b\r\n") == fault::bad_field);
    CHECK(with_fields("nothing\r\n") == fault::bad_field);
    CHECK(with_fields("A: \x01\r\n") == fault::bad_field);
    CHECK(with_fields("A: b\x7f\r\n") == fault::bad_field);
    CHECK(with_fields("A: b\rc\r\n") == fault::bad_field);
    CHECK(with_fields("A(: b\r\n") == fault::bad_field);
    CHECK(with_fields(std::string_view("A: b\0c\r\n", 8)) == fault::bad_field);
    CHECK(with_fields("A: \xc3\xa4\r\n") == fault::none);
    CHECK(with_fields("A: b\r\n c\r\n") == fault::folded_field);
    CHECK(with_fields("A: b\r\n\tc\r\n") == fault::folded_field);
    CHECK(parse("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == fault::folded_field);
}

TEST_CASE("a bare line feed ends nothing") {
    for (std::string_view text : {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: a\r\n\n", "\nGET / HTTP/1.1\r\n\r\n"}) {
        CHECK(parse(text) == fault::bare_line_feed);
    }
}

TEST_CASE("the end of a head is found at every cut") {
    const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        std::uint32_t line = 0;
        CHECK(http::find_head_end(text.substr(0, cut), line).size == 0);
        CHECK(http::find_head_end(text + "more", line).size == text.size());
    }
    std::uint32_t line = 0;
    CHECK(http::find_head_end("\r\nGET", line).size == 2);
}

TEST_CASE("built for size and for speed, octets are found and judged alike") {
    std::mt19937 random(20261127);
    for (int round = 0; round < 20'000; ++round) {
        std::string s(random() % 40, ' ');
        for (char& c : s) {
            const auto n = random();
            c = n % 8 == 0 ? static_cast<char>(n >> 8) : static_cast<char>(' ' + (n >> 8) % 0x5f);
        }
        const char wanted = s.empty() ? 'x' : s[random() % s.size()];
        const std::size_t at = random() % (s.size() + 1);
        const std::size_t found = http::detail::find<false>(s, wanted, at);
        CHECK(found == std::min(s.find(wanted, at), s.size()));
        CHECK(found == http::detail::find<true>(s, wanted, at));
        CHECK(http::detail::is_field_value<false>(s) == http::detail::is_field_value<true>(s));
    }
    for (int octet = 0; octet < 256; ++octet) {
        std::string s = "0123456789abcdef";
        s[11] = static_cast<char>(octet);
        const bool good = octet == '\t' || (octet >= 0x20 && octet != 0x7f);
        CHECK(http::detail::is_field_value<false>(s) == good);
        CHECK(http::detail::is_field_value<true>(s) == good);
    }
}

TEST_CASE("Host") {
    CHECK(parse("GET / HTTP/1.1\r\n\r\n") == fault::bad_host);
    CHECK(with_fields("host: a\r\n") == fault::bad_host);
    CHECK(parse("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == fault::bad_host);
    CHECK(parse("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == fault::bad_host);
    CHECK(parse("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n") == fault::bad_host);
    CHECK(parse("GET / HTTP/1.1\r\nHost:\r\n\r\n") == fault::none);
    CHECK(parse("GET / HTTP/1.1\r\nHOST: [::1]:80\r\n\r\n") == fault::none);
}

TEST_CASE("Content-Length") {
    for (std::string_view value : {"-1", "+1", "1 2", "0x10", "1.0", "", "a", "5, 5", "5,5", "1_0"}) {
        CAPTURE(value);
        CHECK(with_fields(std::string("Content-Length: ").append(value).append("\r\n")) == fault::bad_length);
    }
    CHECK(with_fields("Content-Length: 5\r\nContent-Length: 5\r\n") == fault::bad_length);
    CHECK(with_fields("Content-Length: 5\r\ncontent-length: 6\r\n") == fault::bad_length);
    struct row {
        std::string_view value;
        std::uint64_t seen;
    };
    constexpr std::uint64_t most = ~std::uint64_t{0};
    for (const row& r : {row{"0", 0}, row{"007", 7}, row{"2147483648", 1ULL << 31}, row{"4294967297", (1ULL << 32) + 1},
                         row{"18446744073709551615", most}, row{"18446744073709551616", most},
                         row{"18446744073709551617", most}, row{"99999999999999999999999999999", most}}) {
        request_head h;
        const auto text = std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ").append(r.value) + "\r\n\r\n";
        CHECK(parse(text, h) == fault::none);
        CHECK(h.length == r.seen);
        CHECK(parse(text, h = {}, {.fields = 32, .body_octets = 6}) ==
              (r.seen > 6 ? fault::body_too_long : fault::none));
    }
}

TEST_CASE("Transfer-Encoding") {
    CHECK(with_fields("Transfer-Encoding: chunked\r\n") == fault::none);
    CHECK(with_fields("transfer-encoding: CHUNKED\r\n") == fault::none);
    CHECK(with_fields("Transfer-Encoding: gzip, chunked\r\n") == fault::unknown_coding);
    CHECK(with_fields("Transfer-Encoding: gzip\r\n") == fault::bad_coding);
    CHECK(with_fields("Transfer-Encoding: chunked, gzip\r\n") == fault::bad_coding);
    CHECK(with_fields("Transfer-Encoding: chunked, chunked\r\n") == fault::bad_coding);
    CHECK(with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == fault::bad_coding);
    CHECK(with_fields("Transfer-Encoding:\r\n") == fault::bad_coding);
    CHECK(with_fields("Transfer-Encoding: xchunked\r\n") == fault::bad_coding);
    CHECK(with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") == fault::length_and_coding);
    CHECK(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") == fault::length_and_coding);
    CHECK(parse("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == fault::bad_coding);
}

TEST_CASE("Connection and Expect") {
    const auto keep = [](std::string_view version, std::string_view value) {
        request_head h;
        const auto text = std::string("GET / HTTP/").append(version).append("\r\nHost: a\r\nConnection: ");
        CHECK(parse(text + std::string(value) + "\r\n\r\n", h) == fault::none);
        return h.keep_alive;
    };
    CHECK(keep("1.1", "x"));
    CHECK_FALSE(keep("1.1", "close"));
    CHECK_FALSE(keep("1.1", "TE, Close"));
    CHECK_FALSE(keep("1.1", "keep-alive, close"));
    CHECK(keep("1.0", "Keep-Alive"));
    CHECK_FALSE(keep("1.0", "close, keep-alive"));
    CHECK_FALSE(keep("1.1", "x\r\nConnection: close"));

    request_head h;
    CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", h) == fault::none);
    CHECK(h.expects_continue);
    CHECK(with_fields("Expect: 200-ok\r\n") == fault::unknown_expectation);
    h = {};
    CHECK(parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", h) == fault::none);
    CHECK_FALSE(h.expects_continue);
}

TEST_CASE("fields are limited in number and found by name") {
    request_head h;
    CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\n\r\n", h, {.fields = 2}) == fault::none);
    CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 1\r\n\r\n", h, {.fields = 2}) == fault::too_many_fields);
    CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent:  me \r\nuser-agent: you\r\nE:\r\n\r\n", h) == fault::none);
    CHECK(http::find_field(h.fields, "user-agent") == "me");
    CHECK(http::find_field(h.fields, "e") == "");
    CHECK_FALSE(http::find_field(h.fields, "agent"));
    CHECK_FALSE(http::find_field({}, "agent"));
}

TEST_CASE("every octet at every place of a head is survived") {
    const std::string good = "POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\n";
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int octet = 0; octet < 256; ++octet) {
            std::string text = good;
            text[at] = static_cast<char>(octet);
            std::uint32_t line = 0;
            const http::head_end end = http::find_head_end(text, line);
            if (end.size == 0) continue;
            request_head h;
            const fault f = http::parse_head(text.substr(0, end.size), {}, h);
            CHECK(status_of(f) >= 200);
        }
    }
}

TEST_CASE("each fault has a status with a phrase") {
    for (std::size_t i = 1; i < http::fault_count; ++i)
        CHECK_FALSE(http::reason(status_of(static_cast<fault>(i))).empty());
    CHECK(status_of(fault::bad_version) == 505);
    CHECK(status_of(fault::target_too_long) == 414);
    CHECK(status_of(fault::too_many_fields) == 431);
    CHECK(status_of(fault::unknown_coding) == 501);
    CHECK(status_of(fault::unknown_expectation) == 417);
    CHECK(status_of(fault::body_too_long) == 413);
    CHECK(status_of(fault::bad_chunk) == 400);
    CHECK(status_of(fault::no_buffers) == 503);
    CHECK(http::reason(200) == "OK");
    CHECK(http::reason(505) == "HTTP Version Not Supported");
    CHECK(http::reason(299).empty());
}
