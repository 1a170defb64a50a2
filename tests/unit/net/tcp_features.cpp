// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_features.hpp>

#include <uk/net/tcp_cubic.hpp>

#include "tcp_peer.hpp"
#include "tcp_transfer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace uk::literals;
using uk::net::seq;
using uk::net::tcp_connection;
using uk::net::tcp_count;
using uk::net::tcp_features;
using uk::net::tcp_limits;
using world::network;
namespace flag = uk::net::tcp_flag;

namespace {

template <tcp_features F, class Congestion = uk::net::new_reno>
using host = world::host<tcp_limits{.features = F}, 128, Congestion>;

using full = host<tcp_features{}>;
using bare = host<uk::net::tcp_minimal>;
using no_sack = host<tcp_features{.sack = false}>;
using no_stamps = host<tcp_features{.timestamps = false}>;
using with_cubic = host<tcp_features{}, uk::net::cubic>;

/// Large windows, and the buffers for them.
template <class Congestion>
using fat =
    world::host<tcp_limits{.receive_window = 1 << 20, .receive_buffers = 1024, .send_buffers = 1024, .segments = 2000},
                4096, Congestion>;

template <class Left, class Right>
void all_troubles() {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        world::transfer<Left, Right>({seed, 30U * static_cast<unsigned>(seed % 8), 150, 50}, 40'000);
    }
    world::transfer<Left, Right>({99, 50, 0, 0}, 300'000);
}

/// A host that does ECN, and a connection to it whose peer is the test.
struct talk {
    using talker = world::host<tcp_limits{.features = {.ecn = true}}>;
    using peer = world::peer<talker>;

    static uk::task<> accept(talker& os, std::vector<tcp_connection>& out) {
        auto listener = co_await os.net().listen(80);
        while (true) out.push_back(co_await co_await listener.accept());
    }
    static uk::task<> put(talker&, tcp_connection& c, std::string_view text) {
        co_await co_await c.write_constant(uk::as_bytes(text));
        co_return {};
    }
    talk() {
        REQUIRE(accept(h, accepted).detach());
        world::pass(n, 1ms, h);
        auto syn = peer::segment(flag::syn | flag::ece | flag::cwr, {100}, {0});
        syn.options.mss = 1460;
        p.send(syn);
        const auto a = p.answer();
        REQUIRE(a);
        CHECK(a->flags == (flag::syn | flag::ack | flag::ece));
        next = a->sequence + 1;
        p.send(flag::ack, {101}, next);
        world::pass(n, 1ms, h);
        n.log.clear();
        REQUIRE(accepted.size() == 1);
    }

    network n{6};
    talker h{world::right_address};
    peer p{n, h};
    std::vector<tcp_connection> accepted;
    seq next;
};

}  // namespace

static_assert(tcp_features{} != uk::net::tcp_minimal);

TEST_CASE("the least TCP with itself, under all troubles") { all_troubles<bare, bare>(); }
TEST_CASE("all features with none, either way round") {
    all_troubles<full, bare>();
    all_troubles<bare, full>();
}
TEST_CASE("without SACK") { all_troubles<no_sack, no_sack>(); }
TEST_CASE("without timestamps") { all_troubles<no_stamps, full>(); }
TEST_CASE("ECN: marks instead of losses") {
    using ecn = host<tcp_features{.ecn = true}>;
    all_troubles<ecn, ecn>();
    all_troubles<ecn, full>();
    world::troubles t{.seed = 3};
    t.marks = 20;
    world::transfer<ecn, ecn>(t, 400'000, [](auto& left, auto& right) {
        CHECK(left.count(tcp_count::retransmits) + right.count(tcp_count::retransmits) == 0);
    });
}

TEST_CASE("CUBIC") { all_troubles<with_cubic, with_cubic>(); }

TEST_CASE("SACK repairs without timeouts what otherwise needs them") {
    std::uint32_t with = 0;
    std::uint32_t without = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        world::transfer<full, full>({seed, 30, 0, 0}, 200'000, [&](auto& left, auto& right) {
            with += left.count(tcp_count::timeouts) + right.count(tcp_count::timeouts);
        });
        world::transfer<bare, bare>({seed, 30, 0, 0}, 200'000, [&](auto& left, auto& right) {
            without += left.count(tcp_count::timeouts) + right.count(tcp_count::timeouts);
        });
    }
    MESSAGE("timeouts with SACK: " << with << ", without: " << without);
    CHECK(with * 3 < without);
}

TEST_CASE("reordering alone leads to no timeout and few copies") {
    world::transfer<full, full>({5, 0, 300, 0, 20ms}, 400'000, [](auto& left, auto& right) {
        CHECK(left.count(tcp_count::timeouts) + right.count(tcp_count::timeouts) == 0);
        CHECK(left.count(tcp_count::retransmits) < 60);
    });
}

TEST_CASE("a scaled window fills a long path that 65,535 octets cannot") {
    // 8 MB each way over 50 ms each way: with one window of 64 KB in each round trip 12 s, the least.
    const auto took = world::transfer<fat<uk::net::new_reno>, fat<uk::net::new_reno>>({1, 0, 0, 0, 50ms}, 8'000'000);
    MESSAGE("8 MB in " << took.count() / 1'000'000 << " ms");
    CHECK(took < 4s);
}

TEST_CASE("marks of congestion are told back until the peer has reduced, and reduce our window once (RFC 3168)") {
    talk t;
    auto& [n, h, p, accepted, next] = t;
    auto marked = world::make_datagram(talk::peer::segment(flag::ack, {101}, next), world::left_address,
                                       world::right_address, "text");
    uk::store_be(marked.octets.data(), std::uint16_t{5000});
    uk::store_be(marked.octets.data() + 2, std::uint16_t{80});
    uk::store_be(marked.octets.data() + 16, std::uint16_t{0});
    auto sum = uk::net::pseudo_header(marked.from, marked.to, 6, marked.octets.size());
    uk::store_be(marked.octets.data() + 16, sum.add(marked.octets).value());
    marked.ecn = 3;
    n.log.clear();
    h[uk::port::ip].inject(marked);
    CHECK((p.answer(100ms)->flags & flag::ece) != 0);
    p.send(flag::ack, {105}, next, "more");
    CHECK((p.answer(100ms)->flags & flag::ece) != 0);  // until the peer has heard of it
    p.send(flag::ack | flag::cwr, {109}, next, "less");
    CHECK((p.answer(100ms)->flags & flag::ece) == 0);

    const std::string text(7300, 'x');
    REQUIRE(t.put(h, accepted.front(), text).detach());
    auto sent = p.answers();
    REQUIRE_FALSE(sent.empty());
    CHECK(p.last.front().ecn == 2);
    CHECK((sent.front().flags & flag::cwr) == 0);
    p.send(flag::ack | flag::ece, {113}, next + sent.front().text);
    p.send(flag::ack | flag::ece, {113}, next + 2 * sent.front().text);
    const std::string again(3000, 'y');
    p.send(flag::ack, {113}, next + 7300);
    p.answers();
    REQUIRE(t.put(h, accepted.front(), again).detach());
    sent = p.answers();
    REQUIRE_FALSE(sent.empty());
    CHECK((sent.front().flags & flag::cwr) != 0);
    CHECK((sent.back().flags & flag::cwr) == 0);
}

TEST_CASE("whatever reduced the window, the next new text says so, once (RFC 3168 section 6.1.2)") {
    for (bool timeout : {false, true}) {
        CAPTURE(timeout);
        talk t;
        const std::string text(4380, 'x');
        REQUIRE(t.put(t.h, t.accepted[0], text).detach());
        REQUIRE(t.p.answers().size() == 3);
        if (timeout) {
            CHECK_FALSE(t.p.answers(1s).empty());
        } else {
            for (int i = 0; i < 3; ++i) t.p.send(flag::ack, {101}, t.next);
            CHECK(t.p.answers().size() == 1);
        }
        for (const auto& d : t.p.last) {
            CHECK(d.ecn == 0);  // what is sent again may not be marked
            CHECK((world::parse_tcp(d.octets).flags & flag::cwr) == 0);
        }
        t.p.send(flag::ack, {101}, t.next + 4380);
        REQUIRE(t.put(t.h, t.accepted[0], text).detach());
        const auto sent = t.p.answers();
        REQUIRE(sent.size() >= 2);
        CHECK((sent[0].flags & flag::cwr) != 0);
        CHECK((sent[1].flags & flag::cwr) == 0);
    }
}

TEST_CASE("a mark counts after any number of octets without one") {
    using slot = uk::net::tcp_slot<tcp_features{.ecn = true}, uk::net::new_reno>;
    talk t;
    auto& r = static_cast<slot&>(*t.accepted[0].record());
    // As if sent long ago: 1 GiB at a time, with an acknowledgment after each.
    for (int i = 0; i < 3; ++i) {
        r.ecn.until = uk::net::seq{r.ecn.until.value - (1U << 30)};
        REQUIRE(t.put(t.h, t.accepted[0], "text").detach());
        t.p.answers();
        t.next = t.next + 4;
        t.p.send(flag::ack, {101}, t.next);
    }
    const std::string text(1460, 'x');
    REQUIRE(t.put(t.h, t.accepted[0], text).detach());
    t.p.answers();
    const auto before = r.congestion.window;
    t.p.send(flag::ack | flag::ece, {101}, t.next + 1460);
    CHECK(r.congestion.window < before);
}
