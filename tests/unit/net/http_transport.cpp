// SPDX-License-Identifier: BSL-1.0
#include <uk/counters.hpp>
#include <uk/net/http_transport.hpp>

#include <doctest/doctest.h>

#include "fake_stream.hpp"

#include <string>
#include <string_view>

namespace http = uk::net::http;
using http::fault;

namespace {

constexpr http::transport::operations none{nullptr, nullptr, nullptr};
constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

struct fixture {
    fake::system os;
    http::limits limits;
    http::server_state server;
    http::transport io;

    explicit fixture(http::limits l = {})
        : limits(l),
          server(os.scheduler(), os[uk::port::packets].store(), limits),
          io(server, none, [](uk::timer&) {}) {}

    fault feed(std::string_view text, std::string_view& head) {
        io.unread = uk::as_bytes(text);
        return io.next_head(head);
    }
    std::size_t buffers() { return os[uk::port::packets].count - server.store->available(); }
};

}  // namespace

TEST_CASE("a whole head stays where it was received") {
    fixture f;
    const std::string text = std::string(request) + "rest";
    std::string_view head;
    CHECK(f.feed(text, head) == fault::none);
    CHECK(head == request);
    CHECK(head.data() == text.data());
    CHECK(uk::as_text(f.io.unread) == "rest");
    CHECK(f.buffers() == 0);
}

TEST_CASE("a head in two pieces is gathered, wherever it is cut") {
    for (std::size_t cut = 1; cut < request.size(); ++cut) {
        fixture f;
        std::string_view head;
        CHECK(f.feed(request.substr(0, cut), head) == fault::none);
        CHECK(head.empty());
        CHECK(f.io.unread.empty());
        CHECK(f.buffers() == 1);
        const std::string more = std::string(request.substr(cut)) + "rest";
        CHECK(f.feed(more, head) == fault::none);
        CHECK(head == request);
        CHECK(uk::as_text(f.io.unread) == "rest");
        f.io.drop_gathered();
        CHECK(f.buffers() == 0);
        CHECK(f.server.splits == 0);
    }
}

TEST_CASE("a head in single octets, behind empty lines") {
    fixture f;
    std::string_view head;
    const std::string text = "\r\n\r\n" + std::string(request);
    for (char c : text) {
        CHECK(head.empty());
        CHECK(f.feed({&c, 1}, head) == fault::none);
    }
    CHECK(head == request);
    f.io.drop_gathered();
    CHECK(f.feed("\r\n\r\n", head = {}) == fault::none);
    CHECK(head.empty());
    CHECK(f.buffers() == 0);
}

TEST_CASE("the limit of a head holds in one piece and in many") {
    const std::string field = "GET / HTTP/1.1\r\nA: " + std::string(200, 'a') + "\r\n\r\n";
    const std::string target = "GET /" + std::string(200, 'a') + " HTTP/1.1\r\n\r\n";
    for (std::size_t step : {1000U, 100U, 7U, 1U}) {
        for (bool in_line : {false, true}) {
            fixture f({.head_octets = 150});
            const std::string& text = in_line ? target : field;
            std::string_view head;
            fault wrong = fault::none;
            for (std::size_t at = 0; at < text.size() && wrong == fault::none; at += step) {
                wrong = f.feed(std::string_view(text).substr(at, step), head);
                CHECK(head.empty());
            }
            CHECK(wrong == (in_line ? fault::target_too_long : fault::head_too_long));
        }
    }
    fixture f({.head_octets = 27});
    std::string_view head;
    CHECK(f.feed(request, head) == fault::none);
    CHECK(head == request);
}

TEST_CASE("no buffer for a split head") {
    fixture f;
    std::vector<uk::packet> all;
    while (uk::packet p = f.server.store->take()) all.push_back(std::move(p));
    std::string_view head;
    CHECK(f.feed("GET", head) == fault::no_buffers);
    CHECK(f.feed(request, head) == fault::none);
    CHECK(head == request);
}

TEST_CASE("each counter has its name") {
    http::counters c;
    c.open = 1;
    c.responses[4] = 2;
    c.handler_failed = 3;
    c.refused[static_cast<std::size_t>(fault::bare_line_feed)] = 4;
    c.refused[static_cast<std::size_t>(fault::unknown_expectation)] = 5;
    c.refused[static_cast<std::size_t>(fault::no_buffers)] = 6;
    std::vector<std::string> names;
    std::string set;
    uk::counter_list(c).each([&](std::string_view name, std::uint32_t value) {
        CHECK_FALSE(name.empty());
        for (const std::string& other : names) CHECK(other != name);
        names.emplace_back(name);
        if (value != 0) set.append(name).append("=").append(std::to_string(value)).append(" ");
    });
    CHECK(set == "open=1 responses_5xx=2 handler_failed=3 bare_line_feed=4 unknown_expectation=5 no_buffers=6 ");
    CHECK(names.size() == 16 + http::fault_count);
}
