// SPDX-License-Identifier: BSL-1.0
#include <uk/net/http_exchange.hpp>

#include <doctest/doctest.h>

#include "fake_stream.hpp"

#include <string_view>

namespace http = uk::net::http;
using step = http::conversation::step;

namespace {

constexpr http::transport::operations none{nullptr, nullptr, nullptr};
constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

struct fixture {
    fake::system os;
    http::limits limits;
    http::server_state server;
    http::conversation talk;

    fixture() : server(os.scheduler(), os[uk::port::packets].store(), limits), talk(server, none, [](uk::timer&) {}) {}
    ~fixture() { talk.end_request(); }

    step feed(std::string_view text) {
        talk.unread = uk::as_bytes(text);
        return talk.next();
    }
    std::size_t buffers() { return os[uk::port::packets].count - server.store->available(); }
};

}  // namespace

TEST_CASE("a request is read, handled, sent and forgotten") {
    fixture f;
    CHECK(f.talk.next() == step::read);
    REQUIRE(f.feed(get) == step::handle);
    REQUIRE(f.talk.now != nullptr);
    f.talk.now->outcome = f.talk.now->out.text("body");
    CHECK(f.talk.next() == step::send);
    CHECK(f.buffers() != 0);
    CHECK(f.talk.next() == step::read);
    CHECK(f.talk.now == nullptr);
    CHECK(f.buffers() == 0);
    CHECK(f.server.count.requests == 1);
}

TEST_CASE("a handler's error becomes a page of its status while nothing was sent") {
    fixture f;
    REQUIRE(f.feed(get) == step::handle);
    f.talk.now->outcome = uk::fail(uk::error::in_use);
    CHECK(f.talk.next() == step::send);
    CHECK(f.server.count.handler_failed == 1);
    CHECK(http::detail::status_for(uk::error::in_use) == 500);
    CHECK(http::detail::status_for(uk::error::too_large) == 413);
    CHECK(http::detail::status_for(uk::error::no_buffers) == 503);
}

TEST_CASE("a lost connection aborts, a failed send too") {
    fixture f;
    REQUIRE(f.feed(get) == step::handle);
    f.talk.now->outcome = uk::fail(uk::error::reset);
    CHECK(f.talk.next() == step::abort);
    f.talk.give_up();
    CHECK(f.talk.next() == step::abort);
}

TEST_CASE("a malformed head is refused once, then the connection lingers within its limit") {
    fixture f;
    CHECK(f.feed("GET /\r\n\r\n") == step::send);
    CHECK(f.talk.next() == step::part);
    CHECK(f.feed("more") == step::read);
    CHECK(f.talk.unread.empty());
    CHECK(f.buffers() == 0);
}

TEST_CASE("a request that does not come in time is refused") {
    fixture f;
    CHECK(f.feed("GET / HT") == step::read);
    f.talk.give_up_waiting();
    CHECK(f.talk.next() == step::send);
    CHECK(f.server.count.responses[3] == 1);
    CHECK(f.talk.next() == step::part);
}

TEST_CASE("no frame memory for an exchange is 503") {
    fixture f;
    while (f.os.scheduler().frames.allocate(64) != nullptr) {}
    CHECK(f.feed(get) == step::send);
    CHECK(f.server.count.no_memory == 1);
}
