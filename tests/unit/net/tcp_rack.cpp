// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_rack.hpp>

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <vector>

namespace net = uk::net;
using net::seq;
using net::tcp_rack;
using net::tcp_ticks;

namespace {

constexpr std::uint32_t mss = 1000;
constexpr tcp_ticks ms = 1 << 10;

/// A sender of full segments, numbered from 0, in the hands of a test.
struct sender {
    sender() : pool(records, 1) {
        congestion.start(mss);
        congestion.window = 20 * mss;
        b.state = net::tcp_state::established;
        b.mss = mss;
        b.sack = true;
        b.window = 1'000'000;
        b.una = b.nxt = b.max = base;
        rack.begin(base);
    }

    seq place(unsigned segment) const { return base + segment * mss; }

    void send(unsigned number = 1) {
        for (unsigned i = 0; i < number; ++i) {
            net::tcp_plan p;
            p.from = b.nxt;
            p.length = mss;
            rack.on_sent(p, nullptr, now, pool);
            net::on_sent(b, p.from, mss, false);
        }
    }

    /// Sends all that is due again; the numbers of the segments.
    std::vector<unsigned> send_again() {
        std::vector<unsigned> sent;
        while (net::tcp_sent* s = rack.due(congestion.window)) {
            net::tcp_plan p;
            p.from = s->begin;
            p.length = s->places;
            sent.push_back((s->begin - base) / mss);
            rack.on_sent(p, s, now, pool);
        }
        return sent;
    }

    /// An acknowledgment up to segment `to`, with blocks of segments [begin, end).
    bool ack(unsigned to, std::initializer_list<std::pair<unsigned, unsigned>> blocks = {}) {
        std::array<std::byte, 32> raw;
        net::tcp_segment s;
        for (auto [begin, end] : blocks) {
            uk::store_be(raw.data() + 8 * s.options.blocks, place(begin).value);
            uk::store_be(raw.data() + 8 * s.options.blocks + 4, place(end).value);
            ++s.options.blocks;
        }
        s.options.sack = raw.data();
        s.acknowledgment = place(to);
        net::tcp_reaction a;
        const net::tcp_path path{mss, b.flight(), now, rtt.smoothed};
        a.advanced = place(to) > b.una;
        a.duplicate = place(to) == b.una;
        if (a.advanced) {
            a.acked = place(to) - b.una;
            b.una = place(to);
        }
        return rack.on_ack(congestion, b, a, s, path, {rtt, 0}, pool);
    }

    net::tcp_demand demand() { return rack.demand(b, rtt, now); }
    bool reorder_timer() { return rack.on_reorder_timer(congestion, b, {mss, b.flight(), now, rtt.smoothed}, rtt); }

    seq base{0xfffff000};  // so that places wrap
    std::array<net::tcp_sent, 64> records;
    net::tcp_sent_pool pool;
    tcp_rack rack;
    net::new_reno congestion;
    net::tcb b;
    net::tcp_rtt rtt;
    tcp_ticks now = 0xffffff00;  // and ticks
};

/// One with a round trip of 100 ms measured.
struct warm : sender {
    warm() {
        send(2);
        now += 100 * ms;
        ack(2);
        base = base + 2 * mss;
    }
};

}  // namespace

TEST_CASE("what is acknowledged leaves the pipe and tells the round trip") {
    sender s;
    s.send(3);
    CHECK(s.rack.pipe == 3 * mss);
    s.now += 50 * ms;
    CHECK_FALSE(s.ack(2));
    CHECK(s.rack.pipe == mss);
    CHECK(s.rtt.smoothed == 50 * ms);
    CHECK(s.rack.least_trip == 50 * ms);
    s.ack(3);
    CHECK(s.rack.sent.empty());
    CHECK(s.pool.available() == 64);
}

TEST_CASE("three segments beyond a gap: lost at once, the window halved once (RFC 8985 section 6.2)") {
    warm s;
    s.send(10);
    s.now += 100 * ms;
    CHECK_FALSE(s.ack(0, {{1, 2}}));
    CHECK(s.rack.pipe == 9 * mss);
    CHECK_FALSE(s.ack(0, {{1, 3}}));
    CHECK(s.ack(0, {{1, 4}}));
    CHECK(s.rack.now_in == tcp_rack::phase::recovery);
    CHECK(s.congestion.window == 5 * mss);
    CHECK(s.send_again() == std::vector<unsigned>{0});
    CHECK_FALSE(s.ack(0, {{1, 10}}));
    CHECK(s.rack.pipe == mss);
    s.now += 100 * ms;
    CHECK_FALSE(s.ack(10));
    CHECK(s.rack.now_in == tcp_rack::phase::open);
    CHECK(s.rack.pipe == 0);
    CHECK(s.congestion.window == 2 * mss);  // what ends a recovery does not make the window grow
}

TEST_CASE("several gaps are repaired in one round trip") {
    warm s;
    s.send(12);
    s.now += 100 * ms;
    CHECK(s.ack(1, {{2, 5}, {6, 8}, {9, 12}}));
    CHECK(s.send_again() == std::vector<unsigned>{1, 5, 8});
    s.now += 100 * ms;
    s.ack(12);
    CHECK(s.rack.now_in == tcp_rack::phase::open);
}

TEST_CASE("a segment sent again and lost again is noticed without a timeout") {
    warm s;
    s.send(12);
    s.now += 100 * ms;
    CHECK(s.ack(0, {{1, 8}}));
    CHECK(s.send_again() == std::vector<unsigned>{0});
    s.now += 20 * ms;
    s.send(2);  // 12 and 13, after it
    s.now += 100 * ms;
    CHECK_FALSE(s.ack(0, {{1, 14}}));  // no second reduction
    CHECK(s.send_again() == std::vector<unsigned>{0});
}

TEST_CASE("little reordering is waited for, by a timer, and remembered") {
    warm s;
    s.send(6);
    s.now += 100 * ms;
    CHECK_FALSE(s.ack(0, {{1, 2}}));
    const auto wait = s.demand().reorder;
    CHECK(wait > 0);
    CHECK(wait <= 25 * ms + 1);
    s.now += 5 * ms;
    CHECK_FALSE(s.ack(2));  // the first copy has only been late
    CHECK(s.rack.reordered);
    CHECK(s.demand().reorder == 0);
    CHECK_FALSE(s.ack(2, {{3, 6}}));  // three do not count any more
    s.now += 30 * ms;
    CHECK(s.reorder_timer());
    CHECK(s.send_again() == std::vector<unsigned>{2});
}

TEST_CASE("what became due while an acknowledgment was looked at is not waited for") {
    warm s;
    s.send(4);
    s.now += 100 * ms;
    CHECK_FALSE(s.ack(0, {{1, 2}}));
    CHECK(s.demand().reorder > 1);
    // As after a loop's turn that took longer than the window for reordering.
    s.now += 100 * ms;
    CHECK(s.demand().reorder == 1);
    CHECK(s.reorder_timer());
    CHECK(s.send_again() == std::vector<unsigned>{0});
}

TEST_CASE("after half an hour of quiet nothing new counts as overtaken by what came before") {
    // Ticks of 32 bits tell two times apart for 36 minutes.
    for (tcp_ticks minutes = 10; minutes < 80; minutes += 5) {
        CAPTURE(minutes);
        sender s;
        s.send(2);
        s.now += 20 * ms;
        s.ack(2);
        s.now += minutes * 60'000 * (ms - 47);  // 977 ticks are a millisecond
        s.send();
        s.now += 300 * ms;
        s.rack.timed_out(s.b);
        CHECK(s.send_again() == std::vector{2U});
        CHECK(s.demand().reorder == 0);
        CHECK(!s.rack.on_reorder_timer(s.congestion, s.b, {mss, s.b.flight(), s.now + 1, s.rtt.smoothed}, s.rtt));
        CHECK(s.send_again().empty());
    }
}

TEST_CASE("copies told of widen the window for reordering (RFC 2883, RFC 8985 section 6.2 step 4)") {
    warm s;
    s.send(4);
    s.now += 100 * ms;
    s.ack(2);
    CHECK(s.rack.spread == 1);
    s.ack(2, {{0, 1}});
    CHECK(s.rack.spread == 2);
    s.ack(2, {{0, 1}});
    CHECK(s.rack.spread == 2);  // once in a round trip
    s.ack(4, {{0, 1}});
    CHECK(s.rack.spread == 3);
}

TEST_CASE("the last segments are probed for (RFC 8985 section 7)") {
    warm s;
    s.send(3);
    CHECK(s.demand().tail == 2 * s.rtt.smoothed + 2048);
    s.ack(2);
    CHECK(s.demand().tail > 2 * s.rtt.smoothed + 100 * ms);  // one alone may wait for a delayed acknowledgment
    s.now += 300 * ms;
    net::tcp_plan p;
    p.from = s.place(2);
    p.length = mss;
    s.rack.on_sent(p, s.rack.sent.last(), s.now, s.pool);
    s.rack.on_probe_sent(s.place(3), true);
    CHECK(s.rack.pipe == mss);
    CHECK(s.demand().tail == 0);
    const auto before = s.congestion.window;
    s.now += 100 * ms;
    s.ack(3);
    CHECK(s.congestion.window < before);  // it was lost
    CHECK_FALSE(s.rack.probing);
}

TEST_CASE("a probe that only made a copy costs nothing (section 7.4)") {
    warm s;
    s.send(1);
    net::tcp_plan p;
    p.from = s.place(0);
    p.length = mss;
    s.now += 300 * ms;
    s.rack.on_sent(p, s.rack.sent.last(), s.now, s.pool);
    s.rack.on_probe_sent(s.place(1), true);
    const auto before = s.congestion.window;
    s.now += 1 * ms;
    s.ack(1, {{0, 1}});  // the receiver has it twice
    CHECK(s.congestion.window >= before);
}

TEST_CASE("a timeout takes everything for lost and forgets what was selectively acknowledged") {
    warm s;
    s.send(4);
    s.now += 100 * ms;
    s.ack(0, {{2, 3}});
    s.congestion.timed_out({mss, s.b.flight()}, false);
    s.rack.timed_out(s.b);
    CHECK(s.rack.pipe == 0);
    CHECK(s.send_again() == std::vector<unsigned>{0});
    s.now += 100 * ms;
    s.ack(1, {{2, 3}});
    CHECK(s.send_again() == std::vector<unsigned>{1, 3});
    s.now += 100 * ms;
    s.ack(4);
    CHECK(s.rack.now_in == tcp_rack::phase::open);
}

TEST_CASE("blocks that cannot be are skipped") {
    warm s;
    s.send(3);
    s.now += 100 * ms;
    s.ack(0, {{2, 1}, {1, 4}, {0xf0000, 0xf0001}});
    CHECK(s.rack.sacked == 0);
    CHECK(s.rack.pipe == 3 * mss);
    s.ack(0, {{0, 3}});  // strange, but possible: everything, without acknowledging it
    CHECK(s.rack.pipe == 0);
    s.rack.timed_out(s.b);
    CHECK(s.send_again().size() == 3);
}

TEST_CASE("a peer without SACK: NewReno (RFC 6582)") {
    warm s;
    s.b.sack = false;
    s.send(10);
    s.now += 100 * ms;
    CHECK_FALSE(s.ack(0));
    CHECK(s.rack.allowed(s.b, 10 * mss) == 11 * mss);  // limited transmit
    CHECK_FALSE(s.ack(0));
    CHECK(s.ack(0));
    CHECK(s.congestion.window == 5 * mss);
    CHECK(s.send_again() == std::vector<unsigned>{0});
    CHECK_FALSE(s.ack(0));
    CHECK(s.rack.extra == 4 * mss);
    CHECK_FALSE(s.ack(4));  // partial
    CHECK(s.send_again() == std::vector<unsigned>{4});
    s.ack(10);
    CHECK(s.rack.now_in == tcp_rack::phase::open);
    CHECK(s.rack.pipe == 0);
    CHECK(s.rack.extra == 0);
}

TEST_CASE("an acknowledgment within a segment keeps its rest") {
    warm s;
    s.send(2);
    s.now += 100 * ms;
    net::tcp_segment ack;
    net::tcp_reaction a;
    a.advanced = true;
    a.acked = mss + 400;
    const net::tcp_path path{mss, s.b.flight(), s.now, 0};
    s.b.una = s.place(1) + 400;
    s.rack.on_ack(s.congestion, s.b, a, ack, path, {s.rtt, 0}, s.pool);
    CHECK(s.rack.pipe == 600);
    CHECK(s.rack.sent.first()->begin == s.b.una);
    CHECK(s.rack.sent.first()->places == 600);
}

TEST_CASE("starting over forgets all records") {
    warm s;
    s.send(5);
    s.rack.start_over(s.b, s.pool);
    CHECK(s.b.nxt == s.b.una);
    CHECK(s.rack.pipe == 0);
    CHECK(s.pool.available() == 64);
    CHECK(s.rack.allowed(s.b, 3 * mss) == 3 * mss);
}

TEST_CASE("Karn: what was sent again tells no round trip (RFC 6298 section 3)") {
    warm s;
    s.send(4);
    s.now += 100 * ms;
    s.ack(0, {{1, 4}});
    CHECK(s.send_again() == std::vector<unsigned>{0});
    const auto smoothed = s.rtt.smoothed;
    s.now += 900 * ms;
    s.ack(4);
    CHECK(s.rtt.smoothed == smoothed);
}
