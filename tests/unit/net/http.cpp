// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http.hpp>

#include <doctest/doctest.h>

#include "http_site.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http = uk::net::http;
using fake::site;
using namespace uk::literals;

namespace {

uk::result<> home(http::request& in, http::response& out) {
    if (in.path() == "/counters") {
        return out.json(
            [&](auto& o) { uk::counter_list(in.counters()).each([&](auto n, auto v) { o.member(n, v); }); });
    }
    return out.text(in.path());
}

uk::task<> echo(http::request& in, http::response& out) {
    std::array<std::byte, 64> memory;
    const uk::bytes all = co_await (co_await in.read_all(memory));
    co_return co_await out.write(all);
}

uk::task<> slow(http::request&, http::response& out) {
    co_await uk::sleep(5s);
    co_return out.text("late");
}

constexpr auto table = http::routes(http::get<"/">(home), http::get<"/counters">(home), http::post<"/echo">(echo),
                                    http::get<"/slow">(slow));

std::string counters(site& s) { return fake::body(s.ask(fake::get("/counters"))); }

}  // namespace

TEST_CASE("one handler for all requests, as a generic lambda") {
    site s([](http::request const& in, auto& out) {
        return out.text(in.path() == "/" ? "hello from one type\n" : "not here\n");
    });
    CHECK(fake::body(s.ask(fake::get("/"))) == "hello from one type\n");
    CHECK(fake::body(s.ask(fake::get("/x"))) == "not here\n");
    CHECK(s.os[uk::port::stream].listening_port == 80);
}

TEST_CASE("a taken port ends the server with its error") {
    fake::system os;
    os[uk::port::stream].taken = true;
    auto app = http::serve(os, 80, table);
    REQUIRE(app.start());
    REQUIRE(app.done());
    CHECK(app.take().error() == uk::error::in_use);
}

TEST_CASE("a request cut at every octet") {
    const std::string text = fake::get("/", "A: b\r\n");
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
        site s(table);
        const auto client = s.connect();
        client->send(text.substr(0, cut));
        s.run();
        CHECK(client->to_client.empty());
        CHECK(client->held == 0);
        client->send(text.substr(cut));
        s.run();
        CHECK(fake::body(client->to_client) == "/");
        CHECK(s.buffers_in_use() == 0);
    }
}

TEST_CASE("pipelined requests are answered in order, wherever they are cut") {
    std::string all;
    for (int i = 0; i < 3; ++i) {
        all += fake::get("/") + "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello" +
               fake::get("/none") +
               "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    }
    std::string expected;
    for (std::size_t step = all.size(); step > 0; --step) {
        site s(table);
        const auto client = s.connect();
        for (std::size_t at = 0; at < all.size(); at += step) client->send(std::string_view(all).substr(at, step));
        s.run();
        if (expected.empty()) expected = client->to_client;
        CHECK(client->to_client == expected);
        CHECK_FALSE(client->over());
        CHECK(s.buffers_in_use() == 0);
        CHECK(client->held == 0);
    }
    CHECK(fake::has(expected, "5\r\nhello\r\n0\r\n\r\nHTTP/1.1 404 Not Found"));
    CHECK(expected.ends_with("3\r\nabc\r\n0\r\n\r\n"));
}

TEST_CASE("keep-alive, close, and HTTP/1.0") {
    site s(table);
    const auto client = s.connect();
    for (int i = 0; i < 20; ++i) client->send(fake::get("/"));
    s.run();
    CHECK_FALSE(client->over());
    CHECK_FALSE(fake::has(client->to_client, "Connection"));
    client->send(fake::get("/", "Connection: close\r\n"));
    s.run();
    CHECK(client->server_finished);
    CHECK(fake::has(client->to_client, "Connection: close"));

    const auto old = s.connect();
    old->send("GET / HTTP/1.0\r\n\r\n");
    s.run();
    CHECK(fake::has(old->to_client, "Connection: close"));
    CHECK(old->server_finished);

    const auto kept = s.connect();
    kept->send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    s.run();
    CHECK(fake::has(kept->to_client, "Connection: keep-alive"));
    CHECK_FALSE(kept->over());
}

TEST_CASE("the last request of a connection says so") {
    site s(table, {.requests = 3});
    const auto client = s.connect();
    for (int i = 0; i < 4; ++i) client->send(fake::get("/"));
    s.run();
    CHECK(client->server_finished);
    const std::size_t close = client->to_client.find("Connection: close");
    CHECK(close != std::string::npos);
    CHECK(client->to_client.find("HTTP/1.1", close) == std::string::npos);
}

TEST_CASE("bad requests are refused by cause, counted, and end the connection") {
    struct row {
        std::string_view request, status, counter;
    };
    const std::string line = "GET /" + std::string(1'000'000, 'a') + " HTTP/1.1\r\n\r\n";
    const std::string fields = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(65536, 'a') + "\r\n\r\n";
    const std::string many = [] {
        std::string s = "GET / HTTP/1.1\r\nHost: a\r\n";
        for (int i = 0; i < 40; ++i) s += "A: b\r\n";
        return s + "\r\n";
    }();
    constexpr std::string_view post = "POST /echo HTTP/1.1\r\nHost: t\r\n";
    const auto with = [&](std::string_view rest) { return std::string(post).append(rest); };
    const std::string negative = with("Content-Length: -1\r\n\r\n"), huge = with("Content-Length: 4294967297\r\n\r\n"),
                      wraps = with("Content-Length: 18446744073709551616\r\n\r\n"),
                      half = with("Content-Length: 2147483648\r\n\r\n"),
                      twice = with("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
                      both = with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                      zip = with("Transfer-Encoding: zip, chunked\r\n\r\n"),
                      chunk = with("Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
                      expects = with("Expect: miracles\r\n\r\n");
    for (const row& r : {
             row{std::string_view("\0\xff garbage\r\n\r\n", 14), "400", "bad_request_line"},
             row{"GET /\r\n\r\n", "400", "bad_request_line"},
             row{"GET / HTTP/1.1\nHost: a\n\n", "400", "bare_line_feed"},
             row{"GET / HTTP/1.1\r\n\r\n", "400", "bad_host"},
             row{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400", "bad_field"},
             row{"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", "400", "folded_field"},
             row{"GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400", "bad_target"},
             row{"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505", "bad_version"},
             row{"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501", "unknown_method"},
             row{line, "414", "target_too_long"},
             row{fields, "431", "head_too_long"},
             row{many, "431", "too_many_fields"},
             row{negative, "400", "bad_length"},
             row{half, "413", "body_too_long"},
             row{huge, "413", "body_too_long"},
             row{wraps, "413", "body_too_long"},
             row{twice, "400", "bad_length"},
             row{both, "400", "length_and_coding"},
             row{zip, "501", "unknown_coding"},
             row{chunk, "400", "bad_chunk"},
             row{expects, "417", "unknown_expectation"},
         }) {
        for (std::size_t step : {2'000'000U, 1460U, 1U}) {
            if (step == 1 && r.request.size() > 10'000) continue;
            site s(table);
            const auto client = s.connect();
            for (std::size_t at = 0; at < r.request.size(); at += step) client->send(r.request.substr(at, step));
            s.run();
            CHECK(client->to_client.substr(0, 12) == std::string("HTTP/1.1 ").append(r.status));
            CHECK(fake::has(client->to_client, "\r\nConnection: close\r\n"));
            CHECK(client->server_finished);
            client->finish();
            s.run();
            CHECK(client->server_gone);
            CHECK_FALSE(client->server_reset);
            CHECK(s.buffers_in_use() == 0);
            CHECK(fake::has(counters(s), std::string("\"").append(r.counter).append("\":1")));
        }
    }
}

TEST_CASE("a good request before a bad one is answered first") {
    site s(table);
    const auto client = s.connect();
    client->send(fake::get("/") + "nonsense\r\n\r\n" + fake::get("/"));
    s.run();
    const std::size_t second = client->to_client.find("HTTP/1.1 400");
    CHECK(client->to_client.starts_with("HTTP/1.1 200"));
    CHECK(second != std::string::npos);
    CHECK(client->to_client.find("HTTP/1.1", second + 1) == std::string::npos);
}

TEST_CASE("one client too many takes the place of the one idle longest") {
    site s(table, {.connections = 3});
    std::vector<std::shared_ptr<fake::pipe>> idle;
    for (int i = 0; i < 3; ++i) {
        idle.push_back(s.connect());
        s.run(1s);
    }
    idle[0]->send(fake::get("/"));
    s.run(1s);
    CHECK(fake::body(s.ask(fake::get("/"))) == "/");
    CHECK_FALSE(idle[0]->over());
    CHECK(idle[1]->server_gone);
    CHECK_FALSE(idle[2]->over());
    CHECK(fake::has(counters(s), "\"evicted_idle\":2,"));
    CHECK(idle[2]->server_gone);
}

TEST_CASE("200 idle clients keep nobody out") {
    site s(table, {.connections = 8});
    std::vector<std::shared_ptr<fake::pipe>> idle;
    for (int i = 0; i < 200; ++i) idle.push_back(s.connect());
    s.run();
    CHECK(fake::body(s.ask(fake::get("/"))) == "/");
    CHECK(fake::has(counters(s), "\"open\":8,"));
}

TEST_CASE("where all are busy a new client waits for the first that ends") {
    site s(table, {.connections = 2});
    const auto a = s.connect(), b = s.connect();
    a->send(fake::get("/slow"));
    b->send(fake::get("/slow"));
    s.run(1s);
    const auto c = s.connect();
    c->send(fake::get("/"));
    s.run(3s);
    CHECK(c->to_client.empty());
    CHECK_FALSE(c->over());
    s.run(2s);
    CHECK(fake::has(a->to_client, "late"));
    CHECK(fake::has(b->to_client, "late"));
    CHECK(fake::body(c->to_client) == "/");
    CHECK(a->over() != b->over());
}

TEST_CASE("split heads are limited: the oldest gives way, so that they never hold many buffers") {
    site s(table, {.connections = 20, .split_heads = 4});
    std::vector<std::shared_ptr<fake::pipe>> drips;
    for (int i = 0; i < 10; ++i) {
        drips.push_back(s.connect());
        drips.back()->send("GET / HT");
        s.run();
    }
    CHECK(s.buffers_in_use() == 4);
    for (std::size_t i = 0; i < 10; ++i) CHECK(drips[i]->over() == (i < 6));
    CHECK(fake::body(s.ask(fake::get("/"))) == "/");
    drips[9]->send("TP/1.1\r\nHost: a\r\n\r\n");
    s.run();
    CHECK(fake::body(drips[9]->to_client) == "/");
    CHECK(s.buffers_in_use() == 3);
    CHECK(fake::has(counters(s), "\"evicted_head\":6,"));
}

TEST_CASE("without memory for one more task an idle connection gives way, else the new one") {
    site s(table, {.connections = 10'000});
    std::vector<std::shared_ptr<fake::pipe>> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(s.connect());
    s.run();
    CHECK(fake::body(s.ask(fake::get("/"))) == "/");
    CHECK(fake::has(s.ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"), "5\r\nhello\r\n"));
    CHECK(s.os.scheduler().failed_tasks == 0);

    // None idle: all wait in their handlers.
    site t(table, {.connections = 10'000});
    std::vector<std::shared_ptr<fake::pipe>> busy;
    for (int i = 0; i < 100; ++i) {
        busy.push_back(t.connect());
        busy.back()->send(fake::get("/slow"));
        t.run();
    }
    std::size_t refused = 0;
    for (const auto& client : busy) refused += client->over();
    CHECK(refused > 0);
    CHECK(refused < 100);
    t.run(6s);
    CHECK(fake::body(t.ask(fake::get("/"))) == "/");
}

TEST_CASE("an idle connection costs little, and a thousand leave nothing behind") {
    site s(table);
    const std::size_t before = s.frames_in_use();
    const auto idle = s.connect();
    s.run();
    const std::size_t each = s.frames_in_use() - before;
    MESSAGE("octets of an idle connection's task: ", each);
    CHECK(each <= 768);
    idle->finish();
    s.run();
    CHECK(s.frames_in_use() == before);
    for (int i = 0; i < 1000; ++i) {
        const auto client = s.connect();
        client->send(i % 3 == 0 ? "nonsense\r\n\r\n" : fake::get("/"));
        s.run();
        client->finish();
        s.run();
        CHECK(client->server_gone);
    }
    CHECK(s.frames_in_use() == before);
    CHECK(s.buffers_in_use() == 0);
    CHECK(s.os.scheduler().failed_tasks == 0);
}

TEST_CASE("a server that is destroyed ends its connections") {
    fake::system os;
    std::shared_ptr<fake::pipe> idle, busy;
    {
        auto app = http::serve(os, 80, table);
        REQUIRE(app.start());
        idle = os[uk::port::stream].connect();
        busy = os[uk::port::stream].connect();
        busy->send(fake::get("/slow"));
        fake::run_for(os, 1s);
    }
    CHECK(idle->server_gone);
    CHECK(busy->server_gone);
    CHECK(os.scheduler().frames.used() == 0);
    fake::run_for(os, 10s);
    CHECK(busy->to_client.empty());
}

TEST_CASE("a status page's worth of responses by class") {
    site s(table);
    (void)s.ask(fake::get("/"));
    (void)s.ask(fake::get("/none"));
    (void)s.ask("nonsense\r\n\r\n");
    const std::string text = counters(s);
    CHECK(fake::has(text, "\"responses_2xx\":1,"));
    CHECK(fake::has(text, "\"responses_4xx\":2,"));
    CHECK(fake::has(text, "\"requests\":4,"));
    CHECK(fake::has(text, "\"accepted\":4,"));
}
