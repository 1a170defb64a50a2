// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_client.hpp>

#include <doctest/doctest.h>

#include "http_browser.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace http = uk::net::http;
using namespace browsing;
using http::client_error;
using namespace uk::literals;

TEST_CASE("what is asked") {
    browser b;
    b.ask({.target = "/a?b"});
    CHECK(b.server().to_client == "GET /a?b HTTP/1.1\r\nHost: example.org\r\n\r\n");
    CHECK(b.net().attempts.size() == 1);
    CHECK(b.net().attempts[0].first == "10.0.0.9"_ip4);
    CHECK(b.net().attempts[0].second == 80);

    browser c;
    const http::request_field accept[]{{"Accept", "text/*"}, {"X-Empty", ""}};
    c.ask({.method = http::method::post, .type = "text/plain", .body = uk::as_bytes("body"), .fields = accept},
          {.address = "10.0.0.9"_ip4, .port = 8080});
    CHECK(c.server().to_client ==
          "POST / HTTP/1.1\r\nHost: 10.0.0.9:8080\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
          "Accept: text/*\r\nX-Empty: \r\n\r\nbody");
    browser d;
    d.ask({.method = http::method::put});
    CHECK(d.server().to_client == "PUT / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("what cannot be asked") {
    const auto wrong = [](http::client_request what, http::origin to = there) {
        browser b;
        b.ask(what, to);
        CHECK(b.net().attempts.empty());
        CHECK(b.buffers() == 0);
        return b.got.error == client_error::invalid_request;
    };
    for (std::string_view target : {"", "a", "/a b", "/a\r\nX: y", "/#a", "/\x7f", "*", "/\xc3\xa4"}) {
        CAPTURE(target);
        CHECK(wrong({.target = target}));
    }
    for (std::string_view host : {"a b", "a\r\n", "a/b", "a@b", "a?b"}) {
        CHECK(wrong({}, {.address = "10.0.0.9"_ip4, .host = host}));
    }
    for (const http::request_field& f : {http::request_field{"A B", "c"},
                                         {"A", "b\r\nC: d"},
                                         {"", "b"},
                                         {"Host", "b"},
                                         {"Content-Length", "1"},
                                         {"transfer-encoding", "chunked"}}) {
        CHECK(wrong({.fields = {&f, 1}}));
    }
    CHECK(wrong({.type = "a\r\nb"}));
    const std::string long_one = "/" + std::string(5000, 'a');
    CHECK(wrong({.target = long_one}));
}

TEST_CASE("a body with a length, in chunks, and up to the end of the connection, cut anywhere") {
    const std::string chunks = "HTTP/1.1 200 OK\r\nContent-Type: t/x\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: u\r\n"
                               "\r\n";
    const std::string closing = "HTTP/1.0 200 OK\r\nContent-Type: t/x\r\n\r\nhello";
    for (std::string_view answer : {ok, std::string_view(chunks), std::string_view(closing)}) {
        for (std::size_t step = 1; step <= answer.size(); ++step) {
            browser b;
            b.exchange(answer, step, answer == closing);
            CHECK_FALSE(b.got.error);
            CHECK(b.got.done);
            CHECK(b.got.status == 200);
            CHECK(b.got.type == "t/x");
            CHECK(b.got.body == "hello");
        }
    }
}

TEST_CASE("a kept connection takes the next request, another server gets another") {
    browser b;
    for (int i = 0; i < 3; ++i) {
        b.ask();
        b.server().send(ok);
        b.run();
        CHECK(b.got.done);
    }
    CHECK(b.net().opened.size() == 1);
    b.ask({}, {.address = "10.0.0.9"_ip4, .port = 81});
    CHECK(b.net().opened.size() == 2);
    CHECK(b.server(0).server_gone);
    b.server(1).send(ok);
    b.run();
    CHECK(b.got.body == "hello");
    CHECK(b.buffers() == 1);  // the head, until the next request
    b.client.close();
    CHECK(b.server(1).server_gone);
    CHECK(b.server(1).held == 0);
    CHECK(b.buffers() == 0);
}

TEST_CASE("a connection that cannot be kept is not") {
    for (std::string_view answer : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
                                    "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more than was asked for"}) {
        browser b;
        b.exchange(answer, 1000);
        CHECK(b.got.body == "hello");
        b.exchange(ok, 1000);
        CHECK(b.got.body == "hello");
        CHECK(b.net().opened.size() == 2);
    }
    // What comes unasked while the connection is idle is no response.
    browser b;
    b.exchange(ok, 1000);
    b.server().send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    b.exchange(ok, 1000);
    CHECK(b.got.body == "hello");
    CHECK(b.net().opened.size() == 2);
}

TEST_CASE("a kept connection that is gone: asked again where that is harmless") {
    browser b;
    b.exchange(ok, 1000);
    b.server().finish();
    b.exchange(ok, 1000);  // known before: no attempt was lost
    CHECK(b.got.body == "hello");
    CHECK(b.net().opened.size() == 2);

    b.ask();  // while the request is under way
    b.server(1).finish();
    b.run();
    REQUIRE(b.net().opened.size() == 3);
    b.server(2).send(ok);
    b.run();
    CHECK(b.got.body == "hello");

    b.ask({.method = http::method::post});
    b.server(2).finish();
    b.run();
    CHECK(b.got.error == client_error::closed);
    CHECK(b.net().opened.size() == 3);

    b.ask();  // a new one is not tried twice
    b.server(3).reset();
    b.run();
    CHECK(b.got.error == client_error::reset);
    CHECK(b.net().opened.size() == 4);
}

TEST_CASE("HEAD and statuses without a body") {
    browser b;
    b.ask({.method = http::method::head});
    b.server().send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    b.run();
    CHECK(b.got.done);
    CHECK(b.got.body.empty());
    for (std::string_view status : {"204", "304"}) {
        b.ask();
        b.server().send(std::string("HTTP/1.1 ").append(status).append(" x\r\nContent-Length: 500\r\n\r\n"));
        b.run();
        CHECK(b.got.done);
    }
    CHECK(b.net().opened.size() == 1);
}

TEST_CASE("interim responses are passed over, up to a number") {
    constexpr std::string_view early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    for (std::size_t step : {1000U, 7U, 1U}) {
        browser<{.interim = 2}> b;
        b.exchange(std::string(early).append("HTTP/1.1 100 Continue\r\n\r\n").append(ok), step);
        CHECK(b.got.body == "hello");
        CHECK(b.got.status == 200);
    }
    browser<{.interim = 2}> b;
    b.ask();
    for (int i = 0; i < 1000; ++i) b.server().send(early);
    b.run();
    CHECK(b.got.error == client_error::too_many_interim);
    CHECK(b.server().server_gone);
    CHECK(b.buffers() == 0);
    browser c;
    c.exchange("HTTP/1.1 101 Switching Protocols\r\n\r\n", 1000);
    CHECK(c.got.error == client_error::switched);
}

TEST_CASE("hostile servers get an error each and lose the connection") {
    struct row {
        std::string answer;
        client_error error;
    };
    const std::string line = "HTTP/1.1 200 " + std::string(1'000'000, 'a');
    const std::string many = [] {
        std::string s = "HTTP/1.1 200 OK\r\n";
        for (int i = 0; i < 100; ++i) s += "A: b\r\n";
        return s + "\r\n";
    }();
    const auto with = [](std::string_view rest) { return std::string("HTTP/1.1 200 OK\r\n").append(rest); };
    const auto chunk = [&](std::string_view rest) { return with("Transfer-Encoding: chunked\r\n\r\n").append(rest); };
    for (const row& r : {
             row{line, client_error::head_too_long},
             row{with("X: ") + std::string(65536, 'a'), client_error::head_too_long},
             row{many, client_error::too_many_fields},
             row{"HTTP/1.1 200 OK\n\n", client_error::bare_line_feed},
             row{"\r\nHTTP/1.1 200 OK\r\n\r\n", client_error::bad_status_line},
             row{"garbage\r\n\r\n", client_error::bad_status_line},
             row{std::string("\0\xff\r\n\r\n", 6), client_error::bad_status_line},
             row{"HTTP/3.0 200 OK\r\n\r\n", client_error::bad_version},
             row{with("A : b\r\n\r\n"), client_error::bad_field},
             row{with("A: b\r\n c\r\n\r\n"), client_error::bad_field},
             row{with("Content-Length: -1\r\n\r\n"), client_error::bad_length},
             row{with("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), client_error::bad_length},
             row{with("Content-Length: 4294967297\r\n\r\n"), client_error::body_too_long},
             row{with("Content-Length: 18446744073709551616\r\n\r\n"), client_error::body_too_long},
             row{with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                 client_error::length_and_coding},
             row{with("Transfer-Encoding: zip, chunked\r\n\r\n"), client_error::unknown_coding},
             row{with("Transfer-Encoding: zip\r\n\r\n"), client_error::bad_coding},
             row{chunk("xyz\r\n"), client_error::bad_chunk},
             row{chunk("-1\r\n"), client_error::bad_chunk},
             row{chunk("\r\n"), client_error::bad_chunk},
             row{chunk("10000000000000000\r\n"), client_error::bad_chunk},
             row{chunk("ffffffffffffffff\r\n"), client_error::body_too_long},
             row{chunk("2\r\nabc\r\n"), client_error::bad_chunk},
             row{chunk("2;" + std::string(5000, 'x')), client_error::bad_chunk},
             row{chunk("0\r\n" + std::string(5000, 'x')), client_error::bad_chunk},
         }) {
        for (std::size_t step : {2'000'000U, 1460U, 1U}) {
            if (step == 1 && r.answer.size() > 10'000) continue;
            browser b;
            b.exchange(r.answer, step);
            CAPTURE(http::describe(r.error));
            CAPTURE(r.answer.substr(0, 80));
            CHECK(b.got.error == r.error);
            CHECK(b.server().server_gone);
            CHECK(b.server().held == 0);
            // The next request is none the wiser.
            b.exchange(ok, step);
            CHECK(b.got.body == "hello");
        }
    }
}

TEST_CASE("responses that end too early") {
    for (const std::string& whole :
         {std::string(ok), std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "5\r\nhello\r\n0\r\n\r\n")}) {
        for (std::size_t cut = 0; cut < whole.size(); ++cut) {
            browser b;
            b.exchange(whole.substr(0, cut), 1000, true);
            CHECK(b.got.error == (cut == 0 ? client_error::closed : client_error::cut_off));
            CHECK(b.server().server_gone);
            browser c;
            c.exchange(whole.substr(0, cut), 1000);
            c.server().reset();
            c.run();
            CHECK(c.got.error == client_error::reset);
        }
    }
}

TEST_CASE("bodies longer than the limit") {
    const std::string text(20, 'x');
    for (const std::string& answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + text,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + text + "\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\n\r\n" + text}) {
        for (std::size_t step : {1000U, 1U}) {
            browser<{.body_octets = 19}> b;
            b.exchange(answer, step, true);
            CHECK(b.got.error == client_error::body_too_long);
            browser<{.body_octets = 20}> c;
            c.exchange(answer, step, true);
            CHECK(c.got.body == text);
        }
    }
}

TEST_CASE("every wait has an end") {
    {
        browser<{.connect_ms = 5000}> b;
        b.net().hangs = true;
        b.ask();
        b.run(4900ms);
        CHECK_FALSE(b.got.error);
        b.run(200ms);
        CHECK(b.got.error == client_error::connect_timed_out);
    }
    {
        browser<{.head_ms = 5000}> b;  // a head that drips
        b.ask();
        for (char c : std::string_view("HTTP/1.1 200 OK\r\nA: b")) {
            if (!b.server().over()) b.server().send({&c, 1});
            b.run(1s);
        }
        CHECK(b.got.error == client_error::head_timed_out);
        CHECK(b.server().server_gone);
    }
    {
        browser<{.head_ms = 5000}> b;  // interim responses buy no time
        b.ask();
        for (int i = 0; i < 6; ++i) {
            if (!b.server().over()) b.server().send("HTTP/1.1 102 x\r\n\r\n");
            b.run(1s);
        }
        CHECK(b.got.error == client_error::head_timed_out);
    }
    {
        browser<{.write_ms = 5000}> b;
        const std::string much(100'000, 'x');
        b.ask({.method = http::method::put});
        b.server().send(ok);
        b.run();
        b.server().take(20'000);
        b.ask({.method = http::method::put, .body = uk::as_bytes(much)});
        b.run(4900ms);
        CHECK_FALSE(b.got.error);
        b.run(200ms);
        CHECK(b.got.error == client_error::write_timed_out);
    }
    for (std::size_t step : {1U, 600U}) {
        browser<{.body_ms = 10'000, .body_rate = 100}> b;  // a body that drips, and one that comes fast enough
        b.ask();
        b.server().send("HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n");
        for (int i = 0; i < 10; ++i) {
            b.run(5s);
            if (!b.server().over()) b.server().send(std::string(step, 'x'));
        }
        b.run();
        CHECK(b.got.error == (step == 1 ? std::optional(client_error::body_timed_out) : std::nullopt));
        CHECK(b.got.done == (step != 1));
    }
}

TEST_CASE("connections that do not come about") {
    browser b;
    b.net().refusal = uk::error::refused;
    b.ask();
    CHECK(b.got.error == client_error::refused);
    b.net().refusal = uk::error::unreachable;
    b.ask();
    CHECK(b.got.error == client_error::unreachable);
    b.net().refusal = uk::error::too_large;
    b.ask();
    CHECK(b.got.error == client_error::failed);
    b.net().refusal.reset();
    b.exchange(ok, 1000);
    CHECK(b.got.body == "hello");
}

TEST_CASE("a server that answers before it has the request's body") {
    browser b;
    const std::string much(100'000, 'x');
    b.net().greeting = {"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno\n"};
    b.ask({.method = http::method::post, .body = uk::as_bytes(much)});
    CHECK(b.got.status == 413);
    CHECK(b.got.body == "no\n");
}

TEST_CASE("a request given up halfway leaves nothing behind") {
    browser b;
    outcome o;
    {
        auto task = ask(b.os, b.client, there, {}, o);
        REQUIRE(task.start());
        b.run();
        b.server().send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
        b.run();
    }
    CHECK(b.os.scheduler().frames.used() == 0);
    b.exchange(ok, 1000);
    CHECK(b.got.body == "hello");
    CHECK(b.net().opened.size() == 2);
    CHECK(b.os.scheduler().failed_tasks == 0);
}

TEST_CASE("no buffers and no memory are errors") {
    browser b;
    std::vector<uk::packet> all;
    while (uk::packet p = b.os[uk::port::packets].store().take()) all.push_back(std::move(p));
    b.ask();
    CHECK(b.got.error == client_error::no_buffers);
    all.pop_back();
    b.exchange(ok, 1000);
    CHECK(b.got.error == client_error::no_buffers);
    all.clear();
    b.exchange(ok, 1000);
    CHECK(b.got.body == "hello");
}

TEST_CASE("redirects are responses where nobody asked for more") {
    browser b;
    b.exchange(redirect("302", "/b"), 1000);
    CHECK(b.got.status == 302);
    CHECK(b.got.body == "bye");
}

TEST_CASE("redirects are followed on the same connection, up to a number") {
    browser<{.redirects = 2}> b;
    b.exchange(redirect("302", "/b"), 1000);
    CHECK(b.server().to_client.ends_with("GET /b HTTP/1.1\r\nHost: example.org\r\n\r\n"));
    b.server().send(redirect("301", "http://EXAMPLE.org/c?d#e"));
    b.run();
    CHECK(b.server().to_client.ends_with("GET /c?d HTTP/1.1\r\nHost: example.org\r\n\r\n"));
    b.server().send(ok);
    b.run();
    CHECK(b.got.body == "hello");
    CHECK(b.net().opened.size() == 1);

    browser<{.redirects = 2}> c;
    c.ask();
    for (int i = 0; i < 3; ++i) {
        c.server().send(redirect("307", "/"));
        c.run();
    }
    CHECK(c.got.error == client_error::too_many_redirects);
}

TEST_CASE("redirects to other hosts: by address, and never with the fields of the request") {
    browser<{.redirects = 2}> b;
    const http::request_field secret[]{{"Authorization", "Basic x"}};
    b.ask({.fields = secret});
    b.server().send(redirect("302", "/same"));
    b.run();
    CHECK(b.server().to_client.ends_with("/same HTTP/1.1\r\nHost: example.org\r\nAuthorization: Basic x\r\n\r\n"));
    b.server().send(redirect("302", "http://10.0.0.7:81/other"));
    b.run();
    REQUIRE(b.net().attempts.size() == 2);
    CHECK(b.net().attempts[1].first == "10.0.0.7"_ip4);
    CHECK(b.net().attempts[1].second == 81);
    CHECK(b.server(1).to_client == "GET /other HTTP/1.1\r\nHost: 10.0.0.7:81\r\n\r\n");

    for (const auto& [place, error] : {std::pair{"http://example.com/", client_error::redirected_elsewhere},
                                       {"//10.0.0.7.example.com/", client_error::redirected_elsewhere},
                                       {"https://example.org/", client_error::bad_redirect},
                                       {"http://example.org:0/", client_error::bad_redirect},
                                       {"http://:81/", client_error::bad_redirect},
                                       {"http://example.org:65536/", client_error::bad_redirect},
                                       {"http://example.org:x/", client_error::bad_redirect},
                                       {"relative", client_error::bad_redirect}}) {
        browser<{.redirects = 2}> c;
        c.exchange(redirect("302", place), 1000);
        CHECK(c.got.error == error);
    }
}

TEST_CASE("what a redirected POST becomes") {
    for (const auto& [status, method] :
         {std::pair{"301", "GET"}, {"302", "GET"}, {"303", "GET"}, {"307", "POST"}, {"308", "POST"}}) {
        browser<{.redirects = 2}> b;
        b.ask({.method = http::method::post, .type = "a/b", .body = uk::as_bytes("body")});
        b.server().to_client.clear();
        b.server().send(redirect(status, "/b"));
        b.run();
        CHECK(b.server().to_client.starts_with(method));
        CHECK(b.server().to_client.ends_with("body") == (std::string_view(method) == "POST"));
    }
}

TEST_CASE("short forms, and a whole body in memory") {
    browser b;
    std::string seen;
    const auto run = [](fake::system&, auto& c, std::string& out) -> uk::task<> {
        std::array<std::byte, 5> memory;
        auto r = co_await c.get(there, "/a");
        if (!r) co_return uk::fail(reduce(r.error()));
        const auto all = co_await r->read_all(memory);
        if (!all) co_return uk::fail(reduce(all.error()));
        out = uk::as_text(*all);
        auto head = co_await c.head(there, "/b");
        if (!head) co_return uk::fail(reduce(head.error()));
        out += std::to_string(head->content_length().value_or(0));
        auto posted = co_await c.post(there, "/c", "a/b", uk::as_bytes("body"));
        if (!posted) co_return uk::fail(reduce(posted.error()));
        out += std::to_string(posted->status());
        const auto too_long = co_await posted->read_all(memory);
        if (!too_long) out += http::describe(too_long.error());
        co_return {};
    };
    REQUIRE(run(b.os, b.client, seen).detach());
    b.run();
    b.server().send(ok);
    b.run();
    b.server().send("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
    b.run();
    CHECK(b.server().to_client.ends_with("POST /c HTTP/1.1\r\nHost: example.org\r\nContent-Type: a/b\r\n"
                                         "Content-Length: 4\r\n\r\nbody"));
    b.server().send("HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\nlonger");
    b.run();
    CHECK(seen == "hello77201the response's body is longer than the limit");
    CHECK(b.os.scheduler().failed_tasks == 0);
}
