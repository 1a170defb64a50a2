// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_table.hpp>

#include "tcp_peer.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace uk::literals;
using uk::net::seq;
using uk::net::tcp_connection;
using uk::net::tcp_count;
using uk::net::tcp_listener;
namespace flag = uk::net::tcp_flag;
using world::network;

namespace {

constexpr uk::net::tcp_limits small{
    .connections = 6, .listeners = 2, .backlog = 3, .time_wait_ms = 20'000, .features = {.cookies = false}};
using host = world::host<small>;

uk::task<> accept_into(host&, tcp_listener& l, std::vector<tcp_connection>& out) {
    while (true) out.push_back(co_await co_await l.accept());
}

using peer = world::peer<host>;

}  // namespace

TEST_CASE("listeners: one for each port, so many and no more") {
    network n(1);
    host h(world::right_address);
    CHECK(h.net().listen(0).error() == uk::error::invalid);
    auto first = h.net().listen(80);
    REQUIRE(first);
    CHECK(h.net().listen(80).error() == uk::error::in_use);
    auto second = h.net().listen(81);
    REQUIRE(second);
    CHECK(h.net().listen(82).error() == uk::error::too_large);
    {
        const tcp_listener gone = std::move(*first);
    }
    CHECK(h.net().listen(80).has_value());
}

TEST_CASE("the backlog holds what is being opened and what waits; a given-up opening makes room") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    for (std::uint16_t port = 1; port <= 5; ++port) p.send(flag::syn, {1}, {0}, {}, port);
    CHECK(h.net().in_use() == 3);
    CHECK(h.count(tcp_count::backlog_full) == 2);
    world::pass(n, 5min, h);
    CHECK(h.net().in_use() == 0);
    CHECK(h.count(tcp_count::given_up) == 3);
    p.open(6);
    p.open(7);
    p.open(8);
    p.send(flag::syn, {1}, {0}, {}, 9);
    CHECK(h.count(tcp_count::backlog_full) == 3);
    std::vector<tcp_connection> all;
    REQUIRE(accept_into(h, listener, all).detach());
    CHECK(all.size() == 3);
    CHECK(all[0].peer().port == 6);
    CHECK(all[2].peer().port == 8);
    p.open(10);
    world::pass(n, 1ms, h);
    CHECK(all.size() == 4);
}

TEST_CASE("a waiting connection that dies leaves the queue; a listener that dies resets what waits") {
    network n(1);
    host h(world::right_address);
    std::optional<tcp_listener> listener(*h.net().listen(80));
    peer p(n, h);
    p.open(1);
    p.open(2);
    p.open(3);
    p.send(flag::rst, {101}, {0}, {}, 2);
    CHECK(h.net().in_use() == 2);
    std::vector<tcp_connection> all;
    {
        auto accepting = accept_into(h, *listener, all);
        REQUIRE(accepting.start());
    }
    CHECK(all.size() == 2);
    p.open(4);
    listener.reset();
    const auto a = p.answer();
    REQUIRE(a);
    CHECK(a->has(flag::rst));
    CHECK(h.net().in_use() == 2);
}

TEST_CASE("a full table: TIME-WAIT makes room, the living do not") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    std::vector<tcp_connection> all;
    REQUIRE(accept_into(h, listener, all).detach());
    for (std::uint16_t port = 1; port <= 6; ++port) {
        const seq us = p.open(port);
        world::pass(n, 1ms, h);
        if (port > 2) continue;
        all.pop_back();  // closes; then the peer does
        const auto fin = p.answer();
        REQUIRE(fin);
        CHECK(fin->has(flag::fin));
        p.send(flag::ack | flag::fin, {101}, us + 2, {}, port);
        world::pass(n, 1ms, h);
    }
    CHECK(h.net().in_use() == 6);
    p.open(7);
    world::pass(n, 1ms, h);
    // The older of the two was evicted.
    p.send(flag::ack | flag::fin, {101}, {0}, {}, 1);
    CHECK(p.answer()->has(flag::rst));
    p.open(8);
    world::pass(n, 1ms, h);
    CHECK(all.size() == 6);
    p.send(flag::syn, {1}, {0}, {}, 9);
    CHECK(h.count(tcp_count::table_full) == 1);
    CHECK_FALSE(p.answer());
    CHECK(h.net().in_use() == 6);
}

TEST_CASE("a SYN beyond the old sequence opens a connection in TIME-WAIT again (RFC 1122 section 4.2.2.13)") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    std::vector<tcp_connection> all;
    REQUIRE(accept_into(h, listener, all).detach());
    const seq us = p.open();
    world::pass(n, 1ms, h);
    all.clear();
    REQUIRE(p.answer());
    p.send(flag::ack | flag::fin, {101}, us + 2);
    world::pass(n, 1ms, h);
    p.send(flag::syn, {100}, {0});  // an old one
    const auto a = p.answer();
    REQUIRE(a);
    CHECK(a->flags == flag::ack);
    CHECK(a->acknowledgment == seq{102});
    p.open(5000, {5000});
    world::pass(n, 1ms, h);
    CHECK(all.size() == 1);
    CHECK(h.net().in_use() == 1);
}

TEST_CASE("initial sequence numbers: by time and by ends, not by guess (RFC 6528)") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    std::set<std::uint32_t> seen;
    std::vector<std::uint32_t> same;
    for (std::uint16_t port = 1; port <= 64; ++port) {
        p.send(flag::syn, {100}, {0}, {}, port);
        seen.insert(p.answer()->sequence.value >> 8);
        p.send(flag::rst, {101}, {0}, {}, port);
    }
    CHECK(seen.size() == 64);
    for (int i = 0; i < 2; ++i) {
        p.send(flag::syn, {100}, {0}, {}, 1);
        same.push_back(p.answer()->sequence.value);
        p.send(flag::rst, {101}, {0}, {}, 1);
        world::pass(n, 1s, h);
    }
    // The same ends, a second later: 244 thousand steps of the clock.
    CHECK(same[1] - same[0] > 240'000);
    CHECK(same[1] - same[0] < 250'000);
}

TEST_CASE("challenge acknowledgments: one in half a second for each connection (RFC 5961 section 7)") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    const seq us = p.open();
    world::pass(n, 1ms, h);
    p.send(flag::rst, {102}, {0});
    const auto a = p.answer();
    REQUIRE(a);
    CHECK(a->flags == flag::ack);
    CHECK(a->sequence == us + 1);
    CHECK(a->acknowledgment == seq{101});
    for (int i = 0; i < 20; ++i) {
        p.send(flag::rst, {103}, {0});
        p.send(flag::syn, {103}, {0});
        p.send(flag::ack, {101}, us + 1000);
        CHECK_FALSE(p.answer());
    }
    CHECK(h.count(tcp_count::challenge_acks) == 1);
    CHECK(h.net().in_use() == 1);
    world::pass(n, 500ms, h);
    p.send(flag::syn, {103}, {0});
    CHECK(p.answer());
}

TEST_CASE("what is not meant for us, broken, or for nobody") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    world::datagram d;
    d.from = world::left_address;
    d.to = world::right_address;
    for (std::size_t size : {0U, 1U, 19U}) {
        d.octets.assign(size, std::byte{0xff});
        h[uk::port::ip].inject(d);
    }
    CHECK(h.count(tcp_count::bad_header) == 3);
    d.octets.assign(20, std::byte{});
    d.octets[1] = d.octets[3] = std::byte{80};
    d.octets[12] = std::byte{0x50};
    d.octets[13] = std::byte{2};
    h[uk::port::ip].inject(d);
    CHECK(h.count(tcp_count::bad_checksum) == 1);
    h[uk::port::ip].inject(d, true);
    for (auto from : {"224.0.0.1"_ip4, "255.255.255.255"_ip4, "0.0.0.0"_ip4, "127.0.0.1"_ip4, world::right_address}) {
        d.from = from;
        h[uk::port::ip].inject(d);
    }
    CHECK(h.count(tcp_count::not_unicast) == 6);
    CHECK_FALSE(p.answer());
    p.send(flag::ack, {1}, {77});
    const auto a = p.answer();
    REQUIRE(a);
    CHECK(a->flags == flag::rst);
    CHECK(a->sequence == seq{77});
    p.send(flag::syn | flag::fin, {1}, {77});
    CHECK_FALSE(p.answer());
    CHECK(h.net().in_use() == 0);
    CHECK(h.free_buffers() == host::buffers);
}

TEST_CASE("early segments are acknowledged each, and keep their place") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    const seq us = p.open();
    world::pass(n, 1s, h);
    n.log.clear();
    for (int i = 0; i < 3; ++i) p.send(flag::ack, seq{111} + static_cast<std::uint32_t>(i) * 10, us + 1, "0123456789");
    world::pass(n, 1ms, h);
    REQUIRE(n.log.size() == 3);
    for (const auto& d : n.log) CHECK(world::parse_tcp(d.octets).acknowledgment == seq{101});
    p.send(flag::ack, {101}, us + 1, "abcdefghij");
    const auto a = p.answer();
    REQUIRE(a);
    CHECK(a->acknowledgment == seq{141});
}

TEST_CASE("TIME-WAIT lasts as the limits say, anew with each FIN, and no RST ends it (RFC 9293 MUST-13, RFC 1337)") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    std::vector<tcp_connection> all;
    REQUIRE(accept_into(h, listener, all).detach());
    const seq us = p.open();
    world::pass(n, 1ms, h);
    all.clear();
    REQUIRE(p.answer());
    p.send(flag::ack | flag::fin, {101}, us + 2);
    REQUIRE(p.answer());
    world::pass(n, 15s, h);
    p.send(flag::rst, {102}, {0});
    CHECK_FALSE(p.answer());
    CHECK(h.net().in_use() == 1);
    p.send(flag::ack | flag::fin, {101}, us + 2);
    const auto a = p.answer();
    REQUIRE(a);
    CHECK(a->flags == flag::ack);
    CHECK(a->acknowledgment == seq{102});
    world::pass(n, 19s, h);
    CHECK(h.net().in_use() == 1);
    world::pass(n, 2s, h);
    CHECK(h.net().in_use() == 0);
}

TEST_CASE("a SYN of later time opens a connection in TIME-WAIT again, one of earlier time does not (RFC 6191)") {
    for (bool later : {false, true}) {
        network n(1);
        host h(world::right_address);
        auto listener = *h.net().listen(80);
        peer p(n, h);
        std::vector<tcp_connection> all;
        REQUIRE(accept_into(h, listener, all).detach());
        const auto send = [&](unsigned flags, seq at, seq ack, std::uint32_t stamp) {
            auto s = peer::segment(flags, at, ack);
            s.options.stamped = true;
            s.options.stamp = stamp;
            p.send(s);
            return p.answer();
        };
        const seq us = send(flag::syn, {100}, {0}, 5000)->sequence;
        send(flag::ack, {101}, us + 1, 5000);
        all.clear();
        REQUIRE(p.answer());
        send(flag::ack | flag::fin, {101}, us + 2, 5001);
        const auto a = send(flag::syn, seq{later ? 50U : 5000U}, {0}, later ? 5002 : 4000);
        REQUIRE(a);
        CHECK(a->flags == (later ? flag::syn | flag::ack : flag::ack));
    }
}

TEST_CASE("a RST in SYN-RECEIVED takes the opening from the listener, and nothing else (RFC 9293 MUST-11)") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    std::vector<tcp_connection> all;
    REQUIRE(accept_into(h, listener, all).detach());
    p.send(flag::syn, {100}, {0});
    REQUIRE(p.answer());
    p.send(flag::rst, {101}, {0});
    CHECK_FALSE(p.answer());
    CHECK(h.net().in_use() == 0);
    CHECK(all.empty());
    p.open(5001);
    world::pass(n, 1ms, h);
    CHECK(all.size() == 1);
}

TEST_CASE("a listener beside connections of its port, whichever end opened them (RFC 9293 MUST-41, MUST-42)") {
    network n(1);
    host h(world::right_address);
    peer p(n, h);
    std::optional<uk::result<tcp_connection>> ours;
    struct opener {
        static uk::task<> open(host& os, std::optional<uk::result<tcp_connection>>& out) {
            out.emplace(co_await os.net().connect(world::left_address, 7));
            co_return {};
        }
    };
    n.record = true;
    REQUIRE(opener::open(h, ours).detach());
    const auto syn = p.answer();
    REQUIRE(syn);
    // In SYN-SENT at that port; then another in SYN-RECEIVED, and a third.
    auto listener = h.net().listen(syn->source_port);
    REQUIRE(listener);
    const auto from = [&](std::uint16_t port, unsigned flags, seq at, seq ack) {
        auto s = peer::segment(flags, at, ack, port);
        s.destination_port = syn->source_port;
        h[uk::port::ip].inject(world::make_datagram(s, world::left_address, world::right_address));
        return p.answer();
    };
    REQUIRE(from(8, flag::syn, {1}, {0}));
    CHECK(from(9, flag::syn, {1}, {0})->flags == (flag::syn | flag::ack));
    CHECK(h.net().listen(syn->source_port).error() == uk::error::in_use);
    CHECK(h.net().in_use() == 3);
    CHECK_FALSE(ours);
    CHECK(from(7, flag::syn | flag::ack, {500}, syn->sequence + 1)->flags == flag::ack);
    REQUIRE(ours);
    CHECK(ours->has_value());
}

TEST_CASE("every segment has the checksum of RFC 9293 section 3.1, by another way of counting (MUST-2)") {
    network n(1);
    host h(world::right_address);
    auto listener = *h.net().listen(80);
    peer p(n, h);
    std::vector<tcp_connection> all;
    REQUIRE(accept_into(h, listener, all).detach());
    unsigned seen = 0;
    const auto check_all = [&] {
        for (const world::datagram& d : p.last) {
            std::uint32_t sum = 6 + static_cast<std::uint32_t>(d.octets.size());
            for (std::uint32_t a : {d.from.value, d.to.value}) sum += (a >> 16) + (a & 0xffff);
            for (std::size_t i = 0; i < d.octets.size(); ++i) {
                sum += std::to_integer<std::uint32_t>(d.octets[i]) << (i % 2 == 0 ? 8 : 0);
            }
            CHECK(sum % 0xffff == 0);
            ++seen;
        }
    };
    p.send(flag::syn, {100}, {0});
    const seq us = p.answer()->sequence + 1;
    check_all();
    p.send(flag::ack, {101}, us, "question");
    p.answer(100ms);
    check_all();
    struct writer {
        static uk::task<> write(host&, tcp_connection& c, std::string_view head, std::string_view body) {
            co_await co_await c.write(uk::as_bytes(head));
            co_await co_await c.write_constant(uk::as_bytes(body));
            co_return {};
        }
    };
    static const std::string body(1001, 'b');
    REQUIRE(all.size() == 1);
    REQUIRE(writer::write(h, all[0], "odd", body).detach());
    p.answer();
    check_all();
    p.send(flag::ack, {1}, {5}, {}, 6000);  // of nobody: a RST
    p.answer();
    check_all();
    CHECK(seen >= 4);
}

TEST_CASE("a closed window of ours: urgent marks and RSTs still count, text does not (RFC 9293 MUST-66)") {
    using tight = world::host<uk::net::tcp_limits{.connections = 2, .backlog = 2, .receive_window = 1460}>;
    struct acceptor {
        static uk::task<> accept(tight&, tcp_listener& l, std::vector<tcp_connection>& out) {
            out.push_back(co_await co_await l.accept());
            co_return {};
        }
    };
    network n(1);
    tight h(world::right_address);
    auto listener = *h.net().listen(80);
    world::peer<tight> p(n, h);
    std::vector<tcp_connection> all;
    REQUIRE(acceptor::accept(h, listener, all).detach());
    const seq us = p.open() + 1;
    world::pass(n, 1ms, h);
    REQUIRE(all.size() == 1);
    p.send(flag::ack, {101}, us, std::string(1460, 'x'));
    auto a = p.answer(100ms);
    REQUIRE(a);
    CHECK(a->window == 0);
    auto probe = world::peer<tight>::segment(flag::ack | flag::urg, {1561}, us);
    probe.urgent = 10;
    p.send(probe, "y");
    a = p.answer();
    REQUIRE(a);
    CHECK(a->acknowledgment == seq{1561});
    CHECK(all[0].urgent() == 1470);
    p.send(flag::rst, {1561}, {0});
    world::pass(n, 1ms, h);
    CHECK(all[0].record()->outcome == uk::error::reset);
    CHECK_FALSE(all[0].record()->open());
}
