// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_response.hpp>

#include <doctest/doctest.h>

#include "http_site.hpp"

#include <cstdint>
#include <string>
#include <string_view>

using namespace uk::literals;
namespace http = uk::net::http;
using fake::site;

namespace {

constexpr auto page = http::constant("<p>constant</p>");

uk::result<> any(http::request& in, http::response& out) {
    const std::string_view path = in.path();
    if (path == "/constant") return out.html(page);
    if (path == "/long") return out.text(std::string(4000, 'x'));
    if (path == "/too-long") return out.text(std::string(10'000, 'x'));
    if (path == "/none") return out.status(204).text("ignored");
    if (path == "/empty") return {};
    if (path == "/fail") return uk::fail(uk::error::no_device);
    if (path == "/json") return out.json([](auto& o) { o.member("a", 1); });
    if (path == "/field") {
        CHECK(out.field("X-One", "1"));
        CHECK(out.field("X-Bad", "a\r\nSet-Cookie: b").error() == uk::error::invalid);
        CHECK(out.field("X Bad", "a").error() == uk::error::invalid);
        CHECK(out.field("X-Long", std::string(300, 'x')).error() == uk::error::too_large);
        CHECK(out.field("X-Two", "2"));
    }
    return out.status(201).text("made");
}

uk::task<> stream(http::request& in, http::response& out) {
    out.type("text/x");
    if (const auto length = in.parameter("length")) out.length(http::detail::decimal(*length).value_or(0));
    co_await (co_await out.write("ab"));
    co_await (co_await out.write(""));
    co_await (co_await out.write(http::constant("0123456789abcdefg")));
    co_return {};
}

uk::task<> stream_nothing(http::request&, http::response& out) {
    co_await (co_await out.write(""));
    co_return {};
}

uk::task<> text_after_stream(http::request&, http::response& out) {
    co_await (co_await out.write("x"));
    CHECK(out.text("y").error() == uk::error::invalid);
    CHECK(out.text(page).error() == uk::error::invalid);
    co_return {};
}

}  // namespace

TEST_CASE("whole responses") {
    site s(any);
    CHECK(s.ask(fake::get("/")) ==
          "HTTP/1.1 201 Created\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\n"
          "made");
    CHECK(fake::has(s.ask(fake::get("/field")), "\r\nX-One: 1\r\nX-Two: 2\r\n\r\nmade"));
    CHECK_FALSE(fake::has(s.ask(fake::get("/field")), "Cookie"));
    CHECK(s.ask(fake::get("/empty")) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(s.ask(fake::get("/none")) == "HTTP/1.1 204 No Content\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    CHECK(fake::body(s.ask(fake::get("/json"))) == "{\"a\":1}");
    CHECK(fake::status_line(s.ask(fake::get("/fail"))) == "HTTP/1.1 500 Internal Server Error");
    CHECK(s.buffers_in_use() == 0);
}

TEST_CASE("a text longer than a buffer, and one longer than all of them") {
    site s(any);
    const std::string response = s.ask(fake::get("/long"));
    CHECK(fake::has(response, "Content-Length: 4000\r\n"));
    CHECK(fake::body(response) == std::string(4000, 'x'));
    CHECK(fake::status_line(s.ask(fake::get("/too-long"))) == "HTTP/1.1 413 Content Too Large");
    CHECK(s.buffers_in_use() == 0);
}

TEST_CASE("constants are sent from where they lie") {
    site s(any);
    const auto client = s.connect();
    client->send(fake::get("/constant"));
    s.run();
    CHECK(client->constants == 15);
    CHECK(fake::body(client->to_client) == "<p>constant</p>");
    CHECK(fake::has(client->to_client, "Content-Length: 15\r\n"));
}

TEST_CASE("HEAD is answered with the same head") {
    site s(any);
    for (std::string_view path : {"/", "/constant", "/long", "/empty", "/field", "/json", "/none", "/fail"}) {
        const std::string full = s.ask(fake::get(path));
        std::string asked = fake::get(path);
        asked.replace(0, 3, "HEAD");
        const auto client = s.connect();
        client->send(asked + asked);
        s.run();
        const std::string head = full.substr(0, full.find("\r\n\r\n") + 4);
        CHECK(client->to_client == head + head);
    }
    site t(stream);
    CHECK(t.ask("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(t.ask("HEAD /?length=19 HTTP/1.1\r\nHost: t\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 19\r\n\r\n");
}

TEST_CASE("streams in chunks") {
    site s(stream);
    CHECK(s.ask(fake::get("/")) == "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "2\r\nab\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n");
    site t(stream_nothing);
    CHECK(fake::body(t.ask(fake::get("/"))) == "0\r\n\r\n");
    site u(text_after_stream);
    CHECK(fake::body(u.ask(fake::get("/"))) == "1\r\nx\r\n0\r\n\r\n");
}

TEST_CASE("streams of a declared length") {
    site s(stream);
    CHECK(s.ask(fake::get("/?length=19")) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 19\r\n\r\nab0123456789abcdefg");
    // More is cut off; less ends the connection, for the client must not take what it got for the whole.
    CHECK(fake::body(s.ask(fake::get("/?length=10") + fake::get("/?length=2"))).starts_with("ab01234567HTTP/1.1 200"));
    const auto client = s.connect();
    client->send(fake::get("/?length=20"));
    s.run();
    CHECK(client->server_reset);
}

TEST_CASE("HTTP/1.0 gets no chunks: the end of the connection is the end of the body") {
    site s(stream);
    const auto client = s.connect();
    client->send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    s.run();
    CHECK(client->to_client ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nConnection: close\r\n\r\nab0123456789abcdefg");
    CHECK(client->server_finished);
    const auto other = s.connect();
    other->send("GET /?length=19 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    s.run();
    CHECK(fake::has(other->to_client, "Connection: keep-alive\r\n"));
    CHECK_FALSE(other->over());
}

TEST_CASE("no buffers: 503, or the end of the connection, after a while in which there might be some again") {
    site s(any);
    uk::packet_store& store = s.os[uk::port::packets].store();
    std::vector<uk::packet> all;
    while (uk::packet p = store.take_spare(0)) all.push_back(std::move(p));
    const std::size_t left = store.available();
    CHECK(left > 0);
    const auto client = s.connect();
    client->send(fake::get("/"));
    for (int i = 0; i < 90; ++i) s.run(20ms);
    CHECK_FALSE(client->over());
    for (int i = 0; i < 20; ++i) s.run(20ms);
    CHECK(client->over());
    CHECK(client->to_client.empty());
    CHECK(store.available() == left);

    const auto patient = s.connect();
    patient->send(fake::get("/constant"));
    s.run(90ms);
    CHECK(patient->to_client.empty());
    all.pop_back();
    s.run(20ms);
    CHECK(fake::body(patient->to_client) == "<p>constant</p>");
    CHECK_FALSE(patient->over());
    CHECK(fake::status_line(s.ask(fake::get("/long"))) == "HTTP/1.1 503 Service Unavailable");
}
