// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_socket.hpp>

#include "tcp_world.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

using namespace uk::literals;
using uk::net::tcp_connection;
using uk::net::tcp_count;
using uk::net::tcp_listener;
using world::network;

namespace {

using host = world::host<>;

/// Two connected hosts; `l` is the end that connected, `r` the end that accepted.
struct pair {
    explicit pair(std::uint64_t seed = 1) : n(seed) {
        listener.emplace(std::move(*right.net().listen(80)));
        connect();
    }
    uk::task<> accept_one(host&) {
        r.emplace(co_await co_await listener->accept());
        co_return {};
    }
    uk::task<> connect_one(host& os) {
        l.emplace(co_await co_await os.net().connect(world::right_address, 80));
        co_return {};
    }
    void connect() {
        REQUIRE(accept_one(right).detach());
        REQUIRE(connect_one(left).detach());
        REQUIRE(world::run(n, 10s, [&] { return l && r; }, left, right));
    }
    void pass(uk::duration d) { world::pass(n, d, left, right); }
    bool clean() {
        return left.net().in_use() == 0 && right.net().in_use() == 0 && left.free_buffers() == host::buffers &&
               right.free_buffers() == host::buffers;
    }

    network n;
    host left{world::left_address};
    host right{world::right_address};
    std::optional<tcp_listener> listener;
    std::optional<tcp_connection> l;
    std::optional<tcp_connection> r;
};

uk::task<> read_text(host&, tcp_connection& c, std::string& out, std::optional<uk::error>& end) {
    while (true) {
        auto got = co_await c.read();
        if (!got) {
            end = got.error();
            co_return {};
        }
        out += uk::as_text(got->contents());
    }
}

uk::task<> write_text(host&, tcp_connection& c, std::string_view text, std::optional<uk::result<>>& end) {
    end = co_await c.write(uk::as_bytes(text));
    co_return {};
}

uk::task<> impatient_read(host&, tcp_connection& c, uk::duration d, std::optional<uk::error>& end) {
    const auto got = co_await uk::within(d, c.read());
    end = got ? std::optional<uk::error>() : got.error();
    co_return {};
}

uk::task<> impatient_write(host&, tcp_connection& c, std::string_view text, uk::duration d,
                           std::optional<uk::error>& end) {
    const auto put = co_await uk::within(d, c.write(uk::as_bytes(text)));
    end = put ? std::optional<uk::error>() : put.error();
    co_return {};
}

uk::task<> impatient_accept(host&, tcp_listener& l, uk::duration d, std::optional<uk::result<tcp_connection>>& out) {
    out.emplace(co_await uk::within(d, l.accept()));
    co_return {};
}

uk::task<> try_connect(host& os, std::uint16_t port, std::optional<uk::error>& end) {
    auto c = co_await os.net().connect(world::right_address, port);
    end = c ? std::optional<uk::error>() : c.error();
    co_return {};
}

uk::task<> impatient_connect(host& os, uk::duration d, std::optional<uk::error>& end) {
    auto c = co_await uk::within(d, os.net().connect("10.0.0.9"_ip4, 1));
    end = c ? std::optional<uk::error>() : c.error();
    co_return {};
}

}  // namespace

TEST_CASE("text both ways; peers know each other; half-close; all is given back") {
    pair p;
    std::string at_left;
    std::string at_right;
    std::optional<uk::error> end_left;
    std::optional<uk::error> end_right;
    std::optional<uk::result<>> wrote;
    REQUIRE(read_text(p.left, *p.l, at_left, end_left).detach());
    REQUIRE(read_text(p.right, *p.r, at_right, end_right).detach());
    CHECK(p.l->peer().address == world::right_address);
    CHECK(p.l->peer().port == 80);
    CHECK(p.r->peer().address == world::left_address);
    REQUIRE(write_text(p.left, *p.l, "to the right", wrote).detach());
    p.pass(1s);
    REQUIRE(wrote);
    CHECK(*wrote);
    CHECK(at_right == "to the right");
    p.l->shutdown();
    p.pass(1s);
    CHECK(end_right == uk::error::closed);
    wrote.reset();
    REQUIRE(write_text(p.right, *p.r, "still here", wrote).detach());
    p.pass(1s);
    CHECK(at_left == "still here");
    CHECK_FALSE(end_left);
    wrote.reset();
    REQUIRE(write_text(p.left, *p.l, "too late", wrote).detach());
    REQUIRE(wrote);
    CHECK(wrote->error() == uk::error::closed);
    p.r.reset();
    p.pass(1s);
    CHECK(end_left == uk::error::closed);
    p.l.reset();
    p.pass(1min);
    CHECK(p.clean());
}

TEST_CASE("two writes in one turn leave in one segment, with what they acknowledge") {
    pair p;
    std::optional<uk::result<>> wrote;
    p.pass(1s);
    p.n.record = true;
    REQUIRE(write_text(p.left, *p.l, "one ", wrote).detach());
    REQUIRE(write_text(p.left, *p.l, "two", wrote).detach());
    p.pass(1ms);
    REQUIRE(p.n.log.size() == 1);
    CHECK(p.n.log[0].octets.size() == 20 + uk::net::tcp_stamp_octets + 7);
}

TEST_CASE("acknowledgments wait for company, but not long") {
    pair p;
    std::optional<uk::result<>> wrote;
    p.pass(1s);
    const auto sent = p.n.sent;
    REQUIRE(write_text(p.left, *p.l, "x", wrote).detach());
    p.pass(30ms);
    CHECK(p.n.sent == sent + 1);
    p.pass(20ms);
    CHECK(p.n.sent == sent + 2);
    p.pass(10s);
    CHECK(p.n.sent == sent + 2);
}

TEST_CASE("Nagle holds small text back, unless told not to") {
    for (bool no_delay : {false, true}) {
        pair p;
        p.n.delay = 10ms;
        p.l->set_no_delay(no_delay);
        std::optional<uk::result<>> wrote;
        p.pass(1s);
        const auto sent = p.n.sent;
        for (int i = 0; i < 4; ++i) {
            REQUIRE(write_text(p.left, *p.l, "x", wrote).detach());
            p.pass(2ms);
        }
        CHECK(p.n.sent - sent == (no_delay ? 4 : 1));
    }
}

TEST_CASE("RST: from the peer, and because text was left unread") {
    pair p;
    std::string text;
    std::optional<uk::error> end;
    std::optional<uk::result<>> wrote;
    SUBCASE("abort") {
        REQUIRE(read_text(p.left, *p.l, text, end).detach());
        p.r->abort();
        CHECK(p.r->peer().port == 0);
        p.pass(1s);
        CHECK(end == uk::error::reset);
        REQUIRE(write_text(p.left, *p.l, "x", wrote).detach());
        CHECK(wrote->error() == uk::error::reset);
    }
    SUBCASE("unread") {
        REQUIRE(write_text(p.left, *p.l, "unread", wrote).detach());
        p.pass(1s);
        REQUIRE(read_text(p.left, *p.l, text, end).detach());
        p.r.reset();
        p.pass(1s);
        CHECK(end == uk::error::reset);
    }
    SUBCASE("text after close") {
        p.r.reset();
        p.pass(1s);
        REQUIRE(write_text(p.left, *p.l, "nobody reads this", wrote).detach());
        p.pass(1s);
        REQUIRE(read_text(p.left, *p.l, text, end).detach());
        p.pass(1s);
        CHECK(end == uk::error::reset);
    }
    p.r.reset();
    CHECK(p.right.net().in_use() == 0);
    p.l.reset();
    p.pass(1s);
    CHECK(p.clean());
}

TEST_CASE("what came before a reset is gone; what came before a FIN is not") {
    pair p;
    std::string text;
    std::optional<uk::error> end;
    std::optional<uk::result<>> wrote;
    REQUIRE(write_text(p.right, *p.r, "last words", wrote).detach());
    p.r->shutdown();
    p.pass(1s);
    p.l->shutdown();  // both are through: the record may close before it is read
    p.pass(1min);
    REQUIRE(read_text(p.left, *p.l, text, end).detach());
    CHECK(text == "last words");
    CHECK(end == uk::error::closed);
    p.l.reset();
    p.r.reset();
    p.pass(1min);
    CHECK(p.clean());
}

TEST_CASE("a read that is given up, and read again") {
    pair p;
    std::optional<uk::error> late;
    REQUIRE(impatient_read(p.right, *p.r, 100ms, late).detach());
    p.pass(1s);
    CHECK(late == uk::error::timed_out);
    std::string text;
    std::optional<uk::error> end;
    REQUIRE(read_text(p.right, *p.r, text, end).detach());
    std::optional<uk::result<>> wrote;
    REQUIRE(write_text(p.left, *p.l, "afterwards", wrote).detach());
    p.pass(1s);
    CHECK(text == "afterwards");
}

TEST_CASE("a write that waits, is given up, and goes on") {
    pair p;
    const std::string much(100'000, 'm');
    std::optional<uk::error> late;
    REQUIRE(impatient_write(p.left, *p.l, much, 3s, late).detach());
    p.pass(10s);
    CHECK(late == uk::error::timed_out);
    std::string text;
    std::optional<uk::error> end;
    REQUIRE(read_text(p.right, *p.r, text, end).detach());
    p.pass(10s);
    const std::size_t first = text.size();
    CHECK(first > 10'000);
    CHECK(first < 40'000);
    std::optional<uk::result<>> wrote;
    REQUIRE(write_text(p.left, *p.l, much, wrote).detach());
    p.pass(10s);
    CHECK(text.size() == first + much.size());
}

TEST_CASE("a handle that dies wakes whoever waits on it") {
    pair p;
    std::string text;
    std::optional<uk::error> end;
    std::optional<uk::result<>> wrote;
    const std::string much(100'000, 'm');
    REQUIRE(read_text(p.left, *p.l, text, end).detach());
    REQUIRE(write_text(p.left, *p.l, much, wrote).detach());
    p.pass(1s);
    CHECK_FALSE(wrote);
    tcp_connection dies = std::move(*p.l);
    {
        const tcp_connection gone = std::move(dies);
    }
    p.pass(1ms);
    CHECK(end == uk::error::closed);
    REQUIRE(wrote);
    CHECK(wrote->error() == uk::error::closed);
}

TEST_CASE("received text outlives its connection") {
    pair p;
    std::optional<uk::result<>> wrote;
    REQUIRE(write_text(p.left, *p.l, "kept", wrote).detach());
    p.pass(1s);
    struct keeper {
        static uk::task<> keep(host&, tcp_connection& c, std::optional<uk::net::tcp_received>& out) {
            out.emplace(co_await co_await c.read());
            co_return {};
        }
    };
    std::optional<uk::net::tcp_received> kept;
    REQUIRE(keeper::keep(p.right, *p.r, kept).detach());
    REQUIRE(kept);
    p.r.reset();
    p.l.reset();
    p.pass(1min);
    CHECK(p.right.net().in_use() == 0);
    CHECK(uk::as_text(kept->contents()) == "kept");
    p.connect();  // the record is used again: the old text does not count for it
    kept.reset();
    p.l.reset();
    p.r.reset();
    p.pass(1min);
    CHECK(p.clean());
}

TEST_CASE("accept: given up, handed over and given up in the same turn, closed") {
    pair p;
    std::optional<uk::result<tcp_connection>> got;
    REQUIRE(impatient_accept(p.right, *p.listener, 100ms, got).detach());
    p.pass(1s);
    REQUIRE(got);
    CHECK(got->error() == uk::error::timed_out);

    // The task is woken with a connection, and dies before it runs: the next one gets that connection.
    struct dropper {
        static uk::task<> accept(host&, tcp_listener& l, std::optional<tcp_connection>& out) {
            out.emplace(co_await co_await l.accept());
            co_return {};
        }
    };
    std::optional<tcp_connection> first;
    std::optional<tcp_connection> second;
    {
        auto doomed = dropper::accept(p.right, *p.listener, first);
        REQUIRE(doomed.start());
        REQUIRE(p.connect_one(p.left).detach());
        auto arrived = [&] { return p.right.count(tcp_count::opened) == 2; };
        while (!arrived()) {
            p.left.turn();
            p.n.now = p.n.now + 1ms;
            p.right.each([&](auto& object) {
                if constexpr (requires { object.poll(); }) object.poll();
            });
            if (arrived()) break;
            p.right.turn();
        }
    }
    CHECK_FALSE(first);
    REQUIRE(dropper::accept(p.right, *p.listener, second).detach());
    p.pass(10ms);
    CHECK(second);

    got.reset();
    REQUIRE(impatient_accept(p.right, *p.listener, 10s, got).detach());
    p.listener.reset();
    p.pass(10ms);
    REQUIRE(got);
    CHECK(got->error() == uk::error::closed);
}

TEST_CASE("connect: refused, nobody answers, given up, no address") {
    pair p;
    std::optional<uk::error> end;
    REQUIRE(try_connect(p.left, 81, end).detach());
    p.pass(1s);
    CHECK(end == uk::error::refused);
    CHECK(p.right.count(tcp_count::no_listener) == 1);
    end.reset();
    REQUIRE(impatient_connect(p.left, 5s, end).detach());
    p.pass(6s);
    CHECK(end == uk::error::timed_out);
    end.reset();
    const auto begin = p.n.now;
    REQUIRE(impatient_connect(p.left, 1h, end).detach());
    world::run(p.n, 30min, [&] { return end.has_value(); }, p.left, p.right);
    CHECK(end == uk::error::timed_out);
    CHECK(p.n.now - begin >= 3min);  // RFC 9293 MUST-23
    CHECK(p.left.count(tcp_count::given_up) == 1);
    p.left[uk::port::ip].own = {};
    end.reset();
    REQUIRE(try_connect(p.left, 80, end).detach());
    CHECK(end == uk::error::unreachable);
    p.l.reset();
    p.r.reset();
    p.left[uk::port::ip].own = world::left_address;
    p.pass(5min);
    CHECK(p.clean());
}

TEST_CASE("a connection whose address is gone sends nothing from another one, and ends (RFC 9293 MUST-45)") {
    pair p;
    std::optional<uk::result<>> wrote;
    std::string text;
    std::optional<uk::error> end;
    REQUIRE(read_text(p.left, *p.l, text, end).detach());
    p.pass(1s);
    p.left[uk::port::ip].own = "10.0.0.77"_ip4;
    const auto sent = p.n.sent;
    REQUIRE(write_text(p.left, *p.l, "from where?", wrote).detach());
    CHECK(world::run(p.n, 30min, [&] { return end.has_value(); }, p.left, p.right));
    CHECK(end == uk::error::timed_out);
    CHECK(p.n.sent == sent);
    CHECK(p.left.free_buffers() == host::buffers);
}

TEST_CASE("connect: no broadcast, no group, not ourselves (RFC 9293 MUST-46)") {
    network n(1);
    host h(world::left_address);
    struct trial {
        static uk::task<> connect(host& os, uk::ip4_address to, std::optional<uk::error>& end) {
            auto c = co_await os.net().connect(to, 80);
            end = c ? std::optional<uk::error>() : c.error();
            co_return {};
        }
    };
    for (auto to : {"255.255.255.255"_ip4, "224.0.0.1"_ip4, "240.0.0.1"_ip4, "0.0.0.0"_ip4, "127.0.0.1"_ip4,
                    world::left_address}) {
        std::optional<uk::error> end;
        REQUIRE(trial::connect(h, to, end).detach());
        CHECK(end == uk::error::unreachable);
    }
    CHECK(n.sent == 0);
    CHECK(h.net().in_use() == 0);
}

TEST_CASE("an application sets R2 for its connection (RFC 9293 MUST-21)") {
    for (std::uint8_t retries : {3, 40}) {
        pair p;
        std::optional<uk::result<>> wrote;
        std::string text;
        std::optional<uk::error> end;
        REQUIRE(read_text(p.left, *p.l, text, end).detach());
        p.l->set_retries(retries);
        p.n.cut = true;
        const auto begin = p.n.now;
        REQUIRE(write_text(p.left, *p.l, "hello?", wrote).detach());
        CHECK(world::run(p.n, 2h, [&] { return end.has_value(); }, p.left, p.right));
        CHECK(end == uk::error::timed_out);
        CHECK(p.left.count(tcp_count::timeouts) == retries);
        CHECK((p.n.now - begin < 10s) == (retries == 3));
        CHECK((p.n.now - begin > 25min) == (retries == 40));
    }
}

TEST_CASE("a peer that vanishes: the way is in doubt at R1, the write fails after R2 (RFC 9293 MUST-20)") {
    pair p;
    const auto& doubted = p.left[uk::port::ip].doubted;
    std::optional<uk::result<>> wrote;
    std::string text;
    std::optional<uk::error> end;
    REQUIRE(read_text(p.left, *p.l, text, end).detach());
    p.pass(1s);
    p.n.cut = true;
    const auto begin = p.n.now;
    REQUIRE(write_text(p.left, *p.l, "hello?", wrote).detach());
    CHECK(world::run(p.n, 30min, [&] { return p.left.count(tcp_count::timeouts) == 2; }, p.left, p.right));
    CHECK(doubted.empty());
    CHECK(world::run(p.n, 30min, [&] { return end.has_value(); }, p.left, p.right));
    CHECK(end == uk::error::timed_out);
    CHECK(p.n.now - begin >= 100s);  // SHLD-11
    REQUIRE(doubted.size() == 1);    // SHLD-10: not before three retransmissions
    CHECK(doubted[0] == world::right_address);
    CHECK(p.left.free_buffers() == host::buffers);
}
