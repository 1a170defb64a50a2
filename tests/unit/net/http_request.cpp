// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_request.hpp>

#include <doctest/doctest.h>

#include "http_site.hpp"

#include <array>
#include <string>
#include <string_view>

namespace http = uk::net::http;
using fake::site;

namespace {

uk::result<> describe(http::request& in, http::response& out) {
    std::string s(name_of(in.method()));
    s.append(" ").append(in.path()).append("|").append(in.query());
    s.append("|").append(in.parameter("a").value_or("none")).append("|").append(in.field("x-it").value_or("none"));
    return out.text(s);
}

// The same by a task, which could read the body.
uk::task<> describe_later(http::request& in, http::response& out) { co_return describe(in, out); }

uk::task<> echo(http::request& in, http::response& out) {
    while (true) {
        const uk::bytes piece = co_await (co_await in.read_body());
        if (piece.empty()) co_return {};
        co_await (co_await out.write(piece));
    }
}

uk::task<> upper_bound_of_ten(http::request& in, http::response& out) {
    std::array<std::byte, 10> memory;
    const uk::bytes all = co_await (co_await in.read_all(memory));
    co_return out.text(uk::as_text(all));
}

// The text of a chunked response.
std::string unchunk(std::string_view text) {
    http::body_reader r = http::body_reader::in_chunks(1 << 30);
    uk::bytes input = uk::as_bytes(text);
    std::string s;
    while (!input.empty() && !r.done()) s += uk::as_text(r.take(input));
    CHECK(r.done());
    return s;
}

std::string post(std::string_view fields, std::string_view body) {
    return std::string("POST / HTTP/1.1\r\nHost: t\r\n").append(fields).append("\r\n\r\n").append(body);
}

}  // namespace

TEST_CASE("path, query, parameters and fields") {
    site s(describe);
    CHECK(fake::body(s.ask(fake::get("/p/q?b=2&a=1&a=3", "X-It: yes\r\n"))) == "GET /p/q|b=2&a=1&a=3|1|yes");
    CHECK(fake::body(s.ask(fake::get("/"))) == "GET /||none|none");
    CHECK(fake::body(s.ask(fake::get("/x?a"))) == "GET /x|a||none");
    CHECK(fake::body(s.ask(fake::get("/x?a=b=c?d"))) == "GET /x|a=b=c?d|b=c?d|none");
    CHECK(fake::body(s.ask("PUT /x HTTP/1.1\r\nHost: t\r\n\r\n")) == "PUT /x||none|none");
}

TEST_CASE("a body with a length or in chunks, cut at every octet") {
    const std::string_view text = "hello, world";
    const std::string counted = post("Content-Length: 12", text);
    const std::string chunked = post("Transfer-Encoding: chunked", "5\r\nhello\r\n7;x\r\n, world\r\n0\r\nT: x\r\n\r\n");
    for (const std::string& whole : {counted, chunked}) {
        for (std::size_t cut = 1; cut < whole.size(); ++cut) {
            site s(echo);
            const auto client = s.connect();
            client->send(std::string_view(whole).substr(0, cut));
            s.run();
            client->send(whole.substr(cut) + fake::get("/next"));
            s.run();
            const std::size_t second = client->to_client.find("HTTP/1.1 200 OK", 1);
            REQUIRE(second != std::string::npos);
            CHECK(unchunk(fake::body(client->to_client.substr(0, second))) == text);
            CHECK_FALSE(client->over());
            CHECK(s.buffers_in_use() == 0);
            CHECK(client->held == 0);
        }
    }
}

TEST_CASE("single octets") {
    site s(echo);
    const auto client = s.connect();
    for (char c : post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")) {
        client->send({&c, 1});
        s.run();
    }
    CHECK(unchunk(fake::body(client->to_client)) == "hello");
    CHECK(client->held == 0);
}

TEST_CASE("bad chunks get 400 and the end of the connection") {
    site s(echo);
    const auto client = s.connect();
    client->send(post("Transfer-Encoding: chunked", "xyz\r\n"));
    s.run();
    CHECK(fake::status_line(client->to_client) == "HTTP/1.1 400 Bad Request");
    CHECK(fake::has(client->to_client, "Connection: close"));
    CHECK(client->over());
}

TEST_CASE("bad chunks after the response began abort the connection") {
    site s(echo);
    const auto client = s.connect();
    client->send(post("Transfer-Encoding: chunked", "5\r\nhello\r\nxyz"));
    s.run();
    CHECK(client->server_reset);
    CHECK_FALSE(fake::has(client->to_client, "0\r\n\r\n"));
}

TEST_CASE("the whole body, if it fits") {
    site s(upper_bound_of_ten);
    CHECK(fake::body(s.ask(post("Content-Length: 10", "0123456789"))) == "0123456789");
    CHECK(fake::body(s.ask(post("Transfer-Encoding: chunked", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"))) == "abc");
    CHECK(fake::body(s.ask(fake::get("/"))).empty());
    CHECK(fake::status_line(s.ask(post("Content-Length: 11", "0123456789a"))) == "HTTP/1.1 413 Content Too Large");
}

TEST_CASE("100 (Continue) is sent once the handler reads, and only if it must wait") {
    site s(echo);
    const auto client = s.connect();
    client->send(post("Expect: 100-continue\r\nContent-Length: 4", ""));
    s.run();
    CHECK(client->to_client == "HTTP/1.1 100 Continue\r\n\r\n");
    client->to_client.clear();
    client->send("abcd");
    s.run();
    CHECK(unchunk(fake::body(client->to_client)) == "abcd");
    client->to_client.clear();
    client->send(post("Expect: 100-continue\r\nContent-Length: 4", "efgh"));
    s.run();
    CHECK(unchunk(fake::body(client->to_client)) == "efgh");
    CHECK_FALSE(client->over());
}

TEST_CASE("who is not told to continue is not waited for") {
    site s(describe_later);
    const auto client = s.connect();
    client->send(post("Expect: 100-continue\r\nContent-Length: 4", ""));
    s.run();
    CHECK(fake::status_line(client->to_client) == "HTTP/1.1 200 OK");
    CHECK(fake::has(client->to_client, "Connection: close"));
    CHECK_FALSE(fake::has(client->to_client, "100 Continue"));
    CHECK(client->over());
}

TEST_CASE("a body that the handler leaves is skipped, up to a limit") {
    site s(describe_later, {.discard_octets = 100});
    const auto client = s.connect();
    client->send(post("Content-Length: 100", std::string(60, 'x')));
    s.run();
    client->send(std::string(40, 'x') + fake::get("/second"));
    s.run();
    CHECK(fake::has(client->to_client, "GET /second"));
    CHECK_FALSE(client->over());

    const auto other = s.connect();
    other->send(post("Content-Length: 101", ""));
    s.run();
    CHECK(fake::has(other->to_client, "Connection: close"));
    CHECK(other->over());

    const auto third = s.connect();
    third->send(post("Transfer-Encoding: chunked", "65\r\n" + std::string(0x65, 'x') + "\r\n0\r\n\r\n"));
    s.run();
    CHECK(third->over());
}

TEST_CASE("where no handler is a task, a body is answered and ends its connection") {
    for (const std::string& asked :
         {post("Content-Length: 3", "abc"), post("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
          post("Expect: 100-continue\r\nContent-Length: 3", "")}) {
        site s(describe);
        const auto client = s.connect();
        client->send(asked + fake::get("/second"));
        s.run();
        CHECK(fake::status_line(client->to_client) == "HTTP/1.1 200 OK");
        CHECK(fake::has(client->to_client, "Connection: close"));
        CHECK_FALSE(fake::has(client->to_client, "GET /second"));
        CHECK(client->over());
    }
    site s(describe);
    const auto client = s.connect();
    client->send(post("Content-Length: 0", "") + fake::get("/second"));
    s.run();
    CHECK(fake::has(client->to_client, "GET /second"));
    CHECK_FALSE(client->over());
}

TEST_CASE("a body that ends too early") {
    site s(echo);
    const auto client = s.connect();
    client->send(post("Content-Length: 10", "abc"));
    s.run();
    client->finish();
    s.run();
    CHECK(client->server_reset);
    CHECK(s.os.scheduler().failed_tasks == 0);
}
