// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_core.hpp>

#include "tcp_world.hpp"

#include <doctest/doctest.h>

#include <list>
#include <optional>
#include <string>
#include <vector>

using namespace uk::literals;
using uk::net::tcp_connection;
using uk::net::tcp_count;
using uk::net::tcp_listener;
using world::network;

namespace {

constexpr uk::net::tcp_limits wide{.connections = 128, .backlog = 128};
using server = world::host<wide, 64>;
using crowd = world::host<wide, 2048>;

uk::task<> open(crowd& os, std::uint16_t port, std::list<tcp_connection>& out) {
    out.push_back(co_await co_await os.net().connect(world::right_address, port));
    co_return {};
}

uk::task<> accept_all(server&, tcp_listener& l, std::list<tcp_connection>& out) {
    while (true) out.push_back(co_await co_await l.accept());
}

uk::task<> write(crowd&, tcp_connection& c, std::string_view text) {
    co_await co_await c.write(uk::as_bytes(text));
    co_return {};
}

uk::task<> write_crumbs(crowd&, tcp_connection& c, int number) {
    c.set_no_delay(true);
    for (int i = 0; i < number; ++i) {
        co_await co_await c.write(uk::as_bytes("x"));
        co_await uk::sleep(2ms);
    }
    co_return {};
}

uk::task<> echo(server&, tcp_connection& c) {
    while (true) {
        auto got = co_await co_await c.read();
        co_await co_await c.write(got.contents());
    }
}

uk::task<> expect_echo(crowd&, tcp_connection& c, std::size_t octets, std::size_t& seen, bool& intact) {
    while (seen < octets) {
        auto got = co_await co_await c.read();
        for (std::byte b : got.contents()) intact &= b == world::pattern(seen++);
    }
    co_return {};
}

uk::task<> write_pattern(crowd&, tcp_connection& c, std::size_t octets) {
    std::vector<std::byte> text;
    for (std::size_t i = 0; i < octets; ++i) text.push_back(world::pattern(i));
    co_await co_await c.write(text);
    co_return {};
}

uk::task<> write_much(server&, tcp_connection& c, std::string_view text) {
    co_await co_await c.write(uk::as_bytes(text));
    co_return {};
}

uk::task<> read_on(server&, tcp_connection& c, std::size_t& seen) {
    while (true) seen += (co_await co_await c.read()).contents().size();
}

uk::task<> write_at_last(server&, tcp_connection& c, std::string_view text, bool& done) {
    co_await co_await c.write(uk::as_bytes(text));
    done = true;
    co_return {};
}

struct scene {
    scene() {
        REQUIRE(accept_all(right, listener, accepted).detach());
        REQUIRE(accept_all(right, good_listener, good_accepted).detach());
        for (int i = 0; i < 64; ++i) REQUIRE(open(left, 80, hostile).detach());
        REQUIRE(world::run(n, 10s, [&] { return accepted.size() == 64 && hostile.size() == 64; }, left, right));
    }

    /// One more connection, whose server reads, gets its text back.
    void serve_a_good_one(std::size_t octets, uk::duration most) {
        REQUIRE(open(left, 81, good).detach());
        REQUIRE(world::run(n, 20s, [&] { return good_accepted.size() == 1 && good.size() == 1; }, left, right));
        REQUIRE(echo(right, good_accepted.front()).detach());
        std::size_t seen = 0;
        bool intact = true;
        REQUIRE(expect_echo(left, good.front(), octets, seen, intact).detach());
        REQUIRE(write_pattern(left, good.front(), octets).detach());
        CHECK(world::run(n, most, [&] { return seen == octets; }, left, right));
        CHECK(intact);
    }
    void pass(uk::duration d) { world::pass(n, d, left, right); }
    void finish() {
        for (auto* all : {&accepted, &good_accepted}) {
            for (auto& c : *all) c.abort();
        }
        for (auto* all : {&hostile, &good}) all->clear();
        pass(5min);
        CHECK(right.free_buffers() == server::buffers);
        CHECK(right.net().in_use() == 0);
        CHECK(left.net().in_use() == 0);
    }

    network n{5};
    crowd left{world::left_address};
    server right{world::right_address};
    tcp_listener listener = std::move(*right.net().listen(80));
    tcp_listener good_listener = std::move(*right.net().listen(81));
    std::list<tcp_connection> hostile;
    std::list<tcp_connection> accepted;
    std::list<tcp_connection> good;
    std::list<tcp_connection> good_accepted;
};

}  // namespace

TEST_CASE("64 peers whose crumbs nobody reads do not exhaust the pool") {
    scene s;
    for (auto& c : s.hostile) REQUIRE(write_crumbs(s.left, c, 200).detach());
    std::size_t least = server::buffers;
    for (int i = 0; i < 200; ++i) {
        s.pass(5ms);
        least = std::min(least, s.right.free_buffers());
    }
    CHECK(least >= wide.reserve / 2);
    CHECK(s.right.count(tcp_count::no_room) > 0);
    s.serve_a_good_one(100'000, 60s);
    s.finish();
}

TEST_CASE("64 peers that fill their windows, in order or not, leave room for the others") {
    scene s;
    SUBCASE("in order") {}
    SUBCASE("with gaps") { s.n.loss = 300; }
    const std::string much(50'000, 'm');
    for (auto& c : s.hostile) REQUIRE(write(s.left, c, much).detach());
    std::size_t least = server::buffers;
    for (int i = 0; i < 200; ++i) {
        s.pass(20ms);
        least = std::min(least, s.right.free_buffers());
    }
    CHECK(least >= wide.reserve / 2);
    s.n.loss = 0;
    s.serve_a_good_one(100'000, 60s);
    s.finish();
}

TEST_CASE("64 peers that do not read what they asked for: reception goes on, and all is well once they are given up") {
    scene s;
    const std::string much(50'000, 'm');
    for (auto& c : s.accepted) REQUIRE(write_much(s.right, c, much).detach());
    s.pass(10s);
    CHECK(s.right.free_buffers() >= wide.reserve / 2);
    for (int i = 0; i < 16; ++i) {
        s.accepted.front().abort();  // as a deadline on the write does
        s.accepted.pop_front();
    }
    s.serve_a_good_one(50'000, 60s);
    s.finish();
}

TEST_CASE("a card without room for a while: nothing is lost") {
    network n(1);
    crowd left(world::left_address);
    server right(world::right_address);
    tcp_listener listener = std::move(*right.net().listen(80));
    std::list<tcp_connection> ends;
    std::list<tcp_connection> accepted;
    REQUIRE(accept_all(right, listener, accepted).detach());
    REQUIRE(open(left, 80, ends).detach());
    REQUIRE(world::run(n, 10s, [&] { return accepted.size() == 1 && ends.size() == 1; }, left, right));
    REQUIRE(echo(right, accepted.front()).detach());
    std::size_t seen = 0;
    bool intact = true;
    REQUIRE(expect_echo(left, ends.front(), 30'000, seen, intact).detach());
    REQUIRE(write_pattern(left, ends.front(), 30'000).detach());
    for (int i = 0; i < 400 && seen < 30'000; ++i) {
        left[uk::port::ip].refuse = i % 3 == 0;
        right[uk::port::ip].refuse = i % 4 == 1;
        world::pass(n, 5ms, left, right);
    }
    CHECK(seen == 30'000);
    CHECK(intact);
    CHECK(left.count(tcp_count::timeouts) == 0);
}

TEST_CASE("a write that found no buffer goes on as soon as there is one, whatever came meanwhile") {
    network n(1);
    crowd left(world::left_address);
    server right(world::right_address);
    tcp_listener listener = std::move(*right.net().listen(80));
    std::list<tcp_connection> ends;
    std::list<tcp_connection> accepted;
    REQUIRE(accept_all(right, listener, accepted).detach());
    REQUIRE(open(left, 80, ends).detach());
    REQUIRE(world::run(n, 10s, [&] { return accepted.size() == 1 && ends.size() == 1; }, left, right));
    std::size_t seen = 0;
    bool done = false;
    REQUIRE(read_on(right, accepted.front(), seen).detach());
    std::vector<uk::packet> taken;
    while (right.free_buffers() > wide.reserve / 2) taken.push_back(right[uk::port::packets].store().take());
    REQUIRE(write_at_last(right, accepted.front(), "late", done).detach());
    world::pass(n, 1ms, left, right);
    // Neither copy finds room, and both are acknowledged at once: after that nothing else is to be done here.
    n.doubling = 1000;
    REQUIRE(write(left, ends.front(), "x").detach());
    world::pass(n, 10s, left, right);
    CHECK_FALSE(done);
    taken.clear();
    world::pass(n, 1s, left, right);
    CHECK(done);
}
