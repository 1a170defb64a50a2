// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"
#include "tcp_transfer.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/ipv4.hpp>

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <set>
#include <string>

using namespace uk::literals;
using uk::net::tcp_connection;
using uk::net::tcp_count;
using uk::net::tcp_listener;
using world::everything_back;
using world::network;

namespace {

using host = world::host<>;

void transfer(std::uint64_t seed, unsigned loss, unsigned reorder, unsigned doubling, std::uint64_t octets) {
    world::transfer<host, host>({seed, loss, reorder, doubling}, octets);
}

uk::task<> accept_into(host&, tcp_listener& l, std::optional<tcp_connection>& out) {
    out.emplace(co_await co_await l.accept());
    co_return {};
}

uk::task<> connect_into(host& os, std::optional<tcp_connection>& out) {
    out.emplace(co_await co_await os.net().connect(world::right_address, 80));
    co_return {};
}

uk::task<> one_write(host&, tcp_connection& c, std::string_view text, bool constant, bool& done) {
    if (constant) {
        co_await co_await c.write_constant(uk::as_bytes(text));
    } else {
        co_await co_await c.write(uk::as_bytes(text));
    }
    done = true;
    co_return {};
}

uk::task<> take(host&, tcp_connection& c, std::string& out) {
    while (true) out += uk::as_text((co_await co_await c.read()).contents());
}

/// TCP on the very layers that ship, down to a card in the hands of the test.
struct linked : fakes::link_end<uk::stack<fakes::link_parts, uk::net::ethernet<>, uk::net::arp<>,
                                          uk::net::ipv4<uk::net::ipv4_limits{.ttl = 9}>, uk::net::icmp<>,
                                          uk::net::tcp<>, uk::uses<uk::port::ip, uk::port::stream>>> {
    linked() {
        (*this)[uk::port::ip].configure(fakes::our_net, fakes::router_ip);
        meet_peer();
    }
    void go() {
        turn();
        (*this)[uk::port::stream].flush();
        turn();
    }
    uk::task<> open(linked& os, uk::ip4_address to) {
        const auto c = co_await os[uk::port::stream].connect(to, 81);
        outcome = c ? uk::error::cancelled : c.error();
        co_return {};
    }
    uk::error outcome = uk::error::cancelled;
};

struct no_entropy {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::entropy>;
    bool fill(uk::writable_bytes) { return false; }
};

/// A machine without randomness.
struct guessable
    : uk::stack<fakes::console, world::clock, no_entropy, uk::loop<>, uk::packets<>, world::ip, uk::net::tcp<>> {
    uk::task<> open(guessable& os) {
        const auto c = co_await os[uk::port::stream].connect(world::right_address, 80);
        outcome = c ? uk::error::cancelled : c.error();
        co_return {};
    }
    uk::error outcome = uk::error::cancelled;
};

uk::task<> answer_each(host& os) {
    auto listener = co_await os.net().listen(80);
    while (true) {
        tcp_connection c = co_await co_await listener.accept();
        const auto question = co_await c.read();
        if (question) co_await co_await c.write(question->contents());
    }
}

uk::task<> ask_many(host& os, int number, int& answered) {
    for (int i = 0; i < number; ++i) {
        tcp_connection c = co_await co_await os.net().connect(world::right_address, 80);
        co_await co_await c.write(uk::as_bytes("question"));
        const auto answer = co_await c.read();
        answered += answer && uk::as_text(answer->contents()) == "question" ? 1 : 0;
        c.shutdown();
        const auto end = co_await c.read();
        answered += !end && end.error() == uk::error::closed ? 0 : -1000;
    }
    co_return {};
}

}  // namespace

TEST_CASE("a megabyte each way, at once, unharmed") {
    for (unsigned loss : {0U, 50U, 200U}) transfer(42 + loss, loss, 0, 0, 1'000'000);
}

TEST_CASE("small transfers under all troubles, many seeds") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) transfer(seed, 20 * (seed % 8), 150, 50, 30'000);
}

TEST_CASE("a thousand connections one after the other leave nothing behind") {
    network n(3);
    host left(world::left_address);
    host right(world::right_address);
    int answered = 0;
    REQUIRE(answer_each(right).detach());
    const auto frames = right.scheduler().frames.used();
    REQUIRE(ask_many(left, 1000, answered).detach());
    CHECK(world::run(n, 1h, [&] { return answered == 1000; }, left, right));
    world::pass(n, 1min, left, right);
    CHECK(left.net().in_use() == 0);
    CHECK(right.net().in_use() == 0);
    CHECK(left.free_buffers() == host::buffers);
    CHECK(right.free_buffers() == host::buffers);
    CHECK(left.scheduler().frames.used() == 0);
    CHECK(right.scheduler().frames.used() == frames);
    CHECK(left.scheduler().failed_tasks == 0);
    CHECK(left.count(tcp_count::timeouts) + right.count(tcp_count::timeouts) == 0);
}

TEST_CASE("closing in every order ends well, with and without loss") {
    // Each end shuts down, lets go or aborts, the left at once and the right after a pause of its own.
    for (int way = 0; way < 9; ++way) {
        for (int pause : {0, 1, 2, 500}) {
            for (unsigned loss : {0U, 300U}) {
                CAPTURE(way);
                CAPTURE(pause);
                CAPTURE(loss);
                network n(static_cast<std::uint64_t>(way * 10 + pause) + loss);
                host left(world::left_address);
                host right(world::right_address);
                auto listener = std::move(*right.net().listen(80));
                std::optional<tcp_connection> l;
                std::optional<tcp_connection> r;
                REQUIRE(accept_into(right, listener, r).detach());
                REQUIRE(connect_into(left, l).detach());
                REQUIRE(world::run(n, 10s, [&] { return l && r; }, left, right));
                n.loss = loss;
                const auto end = [](std::optional<tcp_connection>& c, int how) {
                    if (how == 0) c->shutdown();
                    if (how == 1) c.reset();
                    if (how == 2) c->abort();
                };
                end(l, way / 3);
                world::pass(n, uk::duration(pause * 1'000'000), left, right);
                end(r, way % 3);
                world::pass(n, 5s, left, right);
                n.loss = 0;
                l.reset();
                r.reset();
                everything_back(n, left, right);
            }
        }
    }
}

TEST_CASE("a closed window: probes, and on as soon as it opens (RFC 9293 MUST-35 to MUST-37)") {
    for (bool constant : {false, true}) {
        network n(9);
        host left(world::left_address);
        host right(world::right_address);
        auto listener = std::move(*right.net().listen(80));
        std::optional<tcp_connection> l;
        std::optional<tcp_connection> r;
        REQUIRE(accept_into(right, listener, r).detach());
        REQUIRE(connect_into(left, l).detach());
        REQUIRE(world::run(n, 10s, [&] { return l && r; }, left, right));
        std::string text;
        for (int i = 0; i < 60'000; ++i) text += static_cast<char>('a' + i * 7 % 26);
        bool done = false;
        REQUIRE(one_write(left, *l, text, constant, done).detach());
        CHECK(done == constant);
        world::pass(n, 1h, left, right);
        CHECK(left.count(tcp_count::probes) > 50);
        CHECK(left.count(tcp_count::probes) < 200);
        CHECK(left.count(tcp_count::given_up) == 0);
        std::string got;
        const auto opened = n.now;
        REQUIRE(take(right, *r, got).detach());
        CHECK(world::run(n, 2min, [&] { return got.size() == text.size(); }, left, right));
        CHECK(got == text);
        CHECK(n.now - opened < 2s);
    }
}

TEST_CASE("short constants share buffers, long ones are sent from where they lie") {
    const auto room_for = [](std::size_t octets) {
        network n(9);
        host left(world::left_address);
        host right(world::right_address);
        auto listener = std::move(*right.net().listen(80));
        std::optional<tcp_connection> l;
        std::optional<tcp_connection> r;
        REQUIRE(accept_into(right, listener, r).detach());
        REQUIRE(connect_into(left, l).detach());
        REQUIRE(world::run(n, 10s, [&] { return l && r; }, left, right));
        n.cut = true;
        const std::string text(octets, 'c');
        int written = 0;
        for (bool done = true; done && written < 1000; ++written) {
            done = false;
            REQUIRE(one_write(left, *l, text, true, done).detach());
        }
        l->abort();
        return written - 1;
    };
    CHECK(room_for(uk::net::tcp_copied + 1) == uk::net::tcp_limits{}.send_buffers);
    CHECK(room_for(50) > 20 * uk::net::tcp_limits{}.send_buffers);
}

TEST_CASE("a peer that closed its window and vanished, with nobody here who cares") {
    network n(9);
    host left(world::left_address);
    host right(world::right_address);
    auto listener = std::move(*right.net().listen(80));
    std::optional<tcp_connection> l;
    std::optional<tcp_connection> r;
    REQUIRE(accept_into(right, listener, r).detach());
    REQUIRE(connect_into(left, l).detach());
    REQUIRE(world::run(n, 10s, [&] { return l && r; }, left, right));
    const std::string text(20'000, 'x');
    bool done = false;
    REQUIRE(one_write(left, *l, text, true, done).detach());
    CHECK(done);
    l.reset();
    world::pass(n, 1h, left, right);  // answers all probes, but never reads
    CHECK(left.net().in_use() == 0);
    CHECK(left.free_buffers() == host::buffers);
    CHECK(left.count(tcp_count::given_up) == 1);
}

TEST_CASE("both ends connect at once (RFC 9293 figure 7)") {
    // The ports of a simultaneous opening must cross: the peer is played by hand.
    network n(2);
    host left(world::left_address);
    std::optional<tcp_connection> l;
    n.record = true;
    REQUIRE(connect_into(left, l).detach());
    world::pass(n, 1ms, left);
    REQUIRE(n.log.size() == 1);
    const auto syn = world::parse_tcp(n.log[0].octets);
    const auto send = [&](unsigned flags, std::uint32_t at, uk::net::seq ack) {
        uk::net::tcp_segment s;
        s.source_port = 80;
        s.destination_port = syn.source_port;
        s.flags = static_cast<std::uint8_t>(flags);
        s.sequence = {at};
        s.acknowledgment = ack;
        s.window = 1000;
        world::datagram d;
        d.from = world::right_address;
        d.to = world::left_address;
        d.octets.resize(20);
        emit(s, d.octets.data());
        auto sum = uk::net::pseudo_header(d.from, d.to, 6, 20);
        uk::store_be(d.octets.data() + 16, sum.add(d.octets).value());
        left[uk::port::ip].inject(d);
        world::pass(n, 1ms, left);
    };
    send(uk::net::tcp_flag::syn, 700, {});
    REQUIRE(n.log.size() == 2);
    const auto both = world::parse_tcp(n.log[1].octets);
    CHECK(both.flags == (uk::net::tcp_flag::syn | uk::net::tcp_flag::ack));
    CHECK(both.sequence == syn.sequence);
    CHECK(both.acknowledgment == uk::net::seq{701});
    CHECK_FALSE(l);
    SUBCASE("to the end") {
        send(uk::net::tcp_flag::syn | uk::net::tcp_flag::ack, 700, syn.sequence + 1);
        CHECK(l);
    }
    SUBCASE("refused after all (MUST-11)") {
        send(uk::net::tcp_flag::rst, 701, {});
        CHECK_FALSE(l);
        CHECK(left.net().in_use() == 0);
        CHECK(left.count(tcp_count::opened) == 0);
    }
}

TEST_CASE("no connection to the broadcast of our network (RFC 9293 MUST-46)") {
    linked h;
    REQUIRE(h.open(h, "10.0.0.255"_ip4).detach());
    h.go();
    CHECK(h.outcome == uk::error::unreachable);
    CHECK(h.silent());
}

TEST_CASE("what the network says of a segment finds its connection by way of icmp (MUST-54)") {
    linked h;
    REQUIRE(h.open(h, fakes::peer_ip).detach());
    h.go();
    const auto syn = h.take_ip();
    REQUIRE(syn.payload.size() > 20);
    using fakes::operator+;
    const auto tell = [&](std::uint16_t from_port, int type = 3) {
        auto quoted = syn.payload;
        quoted.resize(8);
        uk::store_be(quoted.data(), from_port);
        auto message = fakes::raw({type, 3, 0, 0, 0, 0, 0, 0}) + fakes::ip_datagram(syn.ip, quoted);
        uk::store_be(message.data() + 2, uk::net::checksum().add(message).value());
        h.inject(fakes::ip_frame(fakes::peer_ip, fakes::our_ip, 1, message));
        h.go();
    };
    const auto port = uk::load_be<std::uint16_t>(syn.payload.data());
    tell(static_cast<std::uint16_t>(port + 1));
    tell(port, 4);  // Source Quench: ignored (MUST-55)
    CHECK(h.silent());
    CHECK(h[uk::port::stream].counter(tcp_count::path_errors) == 0);
    CHECK(h[uk::port::stream].in_use() == 1);
    tell(port);
    CHECK(h[uk::port::stream].counter(tcp_count::path_errors) == 1);
    CHECK(h[uk::port::stream].in_use() == 0);
    CHECK(h.outcome == uk::error::refused);
}

TEST_CASE("the time to live is what the internet layer's limits say (RFC 9293 MUST-49)") {
    linked h;
    REQUIRE(h.open(h, fakes::peer_ip).detach());
    h.go();
    CHECK(h.take_ip().ip.ttl == 9);
}

TEST_CASE("our ports: of the dynamic range, each once, another row for each peer (RFC 6056)") {
    network n(2);
    host h(world::left_address);
    n.record = true;
    struct opener {
        static uk::task<> open(host& os, uk::ip4_address to) {
            const tcp_connection c = co_await co_await os.net().connect(to, 80);
            co_return {};
        }
    };
    std::set<unsigned> used;
    std::set<unsigned> first;
    for (auto to : {"10.0.0.2"_ip4, "10.0.0.3"_ip4, "10.0.0.4"_ip4, "10.0.0.5"_ip4}) {
        for (int i = 0; i < 10; ++i) REQUIRE(opener::open(h, to).detach());
        world::pass(n, 1ms, h);
        REQUIRE(n.log.size() == 10);
        std::set<unsigned> ports;
        for (const auto& d : n.log) ports.insert(world::parse_tcp(d.octets).source_port);
        n.log.clear();
        CHECK(ports.size() == 10);
        CHECK(*ports.begin() >= 49'152);
        first.insert(*ports.begin());
        used.merge(ports);
    }
    CHECK(used.size() == 40);
    CHECK(*first.rbegin() - *first.begin() > 1000);
}

TEST_CASE("without randomness there are no connections that could be guessed (RFC 9293 MUST-9)") {
    network n(2);
    guessable h;
    h[uk::port::ip].own = world::left_address;
    CHECK(h[uk::port::stream].listen(80).error() == uk::error::no_entropy);
    REQUIRE(h.open(h).detach());
    CHECK(h.outcome == uk::error::no_entropy);
    CHECK(n.sent == 0);
}
