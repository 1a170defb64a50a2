// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_session.hpp>

#include <doctest/doctest.h>

#include "http_site.hpp"

#include <concepts>
#include <string>
#include <string_view>

namespace http = uk::net::http;
using fake::site;
using namespace uk::literals;

static_assert(std::same_as<http::connection_of<fake::system>, fake::connection>);

namespace {

// The counters of the server, by way of a request.
uk::result<> home(http::request& in, http::response& out) {
    return out.json(
        [&](auto& o) { uk::counter_list(in.counters()).each([&](auto name, auto value) { o.member(name, value); }); });
}

uk::task<> swallow(http::request& in, http::response& out) {
    while (true) {
        const uk::bytes piece = co_await (co_await in.read_body());
        if (piece.empty()) co_return out.text("done");
    }
}

uk::task<> endless(http::request&, http::response& out) {
    static const std::string block(1000, 'x');
    while (true) co_await (co_await out.write(block));
}

uk::task<> impatient(http::request& in, http::response& out) {
    const auto late = co_await uk::within(1s, in.read_body());
    CHECK(late.error() == uk::error::timed_out);
    co_await uk::sleep(60s);
    const uk::bytes piece = co_await (co_await in.read_body());
    co_return out.text(uk::as_text(piece));
}

constexpr auto table = http::routes(http::get<"/">(home), http::post<"/">(swallow), http::get<"/endless">(endless),
                                    http::post<"/impatient">(impatient));

bool counted(site& s, std::string_view what) { return fake::has(s.ask(fake::get("/")), what); }

}  // namespace

TEST_CASE("an idle connection is closed, one with requests in time is not") {
    site s(table, {.idle_timeout = 10s});
    const auto idle = s.connect();
    const auto busy = s.connect();
    for (int i = 0; i < 4; ++i) {
        s.run(4s);
        busy->send(fake::get("/"));
        s.run();
    }
    CHECK(idle->over());
    CHECK(idle->to_client.empty());
    CHECK_FALSE(idle->server_reset);
    CHECK_FALSE(busy->over());
    s.run(11s);
    CHECK(busy->over());
    CHECK(counted(s, "\"timed_out_idle\":2,"));
    CHECK(s.buffers_in_use() == 0);
}

TEST_CASE("a head must be whole in time, counted from its first octet") {
    site s(table, {.head_timeout = 10s});
    const auto client = s.connect();
    for (char c : std::string_view("GET / HTTP")) {
        CHECK(client->to_client.empty());
        client->send({&c, 1});
        s.run(1s);
    }
    s.run(1s);
    CHECK(fake::status_line(client->to_client) == "HTTP/1.1 408 Request Timeout");
    CHECK(fake::has(client->to_client, "Connection: close"));
    CHECK(client->server_finished);
    s.run(3s);
    CHECK(client->server_gone);
    CHECK(counted(s, "\"timed_out_head\":1,"));
    CHECK(s.buffers_in_use() == 0);
}

TEST_CASE("a second request's head has its own time") {
    site s(table, {.head_timeout = 10s});
    const auto client = s.connect();
    for (int i = 0; i < 5; ++i) {
        client->send("GET / HTTP/1.1\r\n");
        s.run(6s);
        client->send("Host: a\r\n\r\n");
        s.run();
    }
    CHECK_FALSE(client->over());
}

TEST_CASE("a body that stops coming") {
    site s(table, {.body_timeout = 10s});
    const auto client = s.connect();
    client->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    s.run(11s);
    CHECK(fake::status_line(client->to_client) == "HTTP/1.1 408 Request Timeout");
    CHECK(client->held == 0);
    CHECK(counted(s, "\"timed_out_body\":1,"));
}

TEST_CASE("a body that drips is cut off; one that comes fast enough is not") {
    for (std::size_t step : {1U, 600U}) {
        site s(table, {.body_timeout = 10s, .body_rate = 100});
        const auto client = s.connect();
        client->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n");
        const std::string piece(step, 'x');
        for (int i = 0; i < 10; ++i) {
            s.run(5s);
            if (!client->over()) client->send(piece);
        }
        s.run();
        CHECK(fake::status_line(client->to_client) == (step == 1 ? "HTTP/1.1 408 Request Timeout" : "HTTP/1.1 200 OK"));
    }
}

TEST_CASE("a peer that takes nothing is given up") {
    site s(table, {.write_timeout = 10s});
    const auto client = s.connect();
    client->take(5000);
    client->send(fake::get("/endless"));
    s.run(9s);
    CHECK_FALSE(client->over());
    client->take(5000);
    s.run(9s);
    CHECK_FALSE(client->over());
    s.run(2s);
    CHECK(client->server_reset);
    CHECK(counted(s, "\"timed_out_write\":1,"));
    CHECK(s.buffers_in_use() == 0);
}

TEST_CASE("a handler that gives up waiting for a body may wait again") {
    site s(table, {.body_timeout = 30s});
    const auto client = s.connect();
    client->send("POST /impatient HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    s.run(30s);
    client->send("abc");
    s.run(32s);
    CHECK(fake::body(client->to_client) == "abc");
    CHECK_FALSE(client->over());
    CHECK(s.os.scheduler().failed_tasks == 0);
}

TEST_CASE("a client that resets in the middle of a response") {
    site s(table);
    const auto client = s.connect();
    client->take(5000);
    client->send(fake::get("/endless"));
    s.run();
    const std::size_t before = s.frames_in_use();
    client->reset();
    s.run();
    CHECK(client->server_gone);
    CHECK(s.frames_in_use() < before);
    CHECK(s.os.scheduler().failed_tasks == 0);
}

TEST_CASE("after the last response what still comes is skipped, for a while and up to a size") {
    site s(table, {.linger_timeout = 2s, .linger_octets = 1000});
    const auto client = s.connect();
    client->send("nonsense\r\n\r\n");
    s.run();
    CHECK(fake::status_line(client->to_client) == "HTTP/1.1 400 Bad Request");
    CHECK(client->server_finished);
    CHECK_FALSE(client->server_gone);
    client->send(std::string(900, 'x'));
    s.run(1s);
    CHECK_FALSE(client->server_gone);
    client->send(std::string(200, 'x'));
    s.run();
    CHECK(client->server_gone);

    const auto slow = s.connect();
    slow->send("nonsense\r\n\r\n");
    s.run(1900ms);
    CHECK_FALSE(slow->server_gone);
    s.run(200ms);
    CHECK(slow->server_gone);

    const auto polite = s.connect();
    polite->send(fake::get("/", "Connection: close\r\n") + fake::get("/"));
    s.run();
    CHECK_FALSE(polite->server_gone);
    polite->finish();
    s.run();
    CHECK(polite->server_gone);
    CHECK_FALSE(polite->server_reset);
    CHECK(polite->to_client.find("HTTP/1.1", 1) == std::string::npos);
}
