// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_slot.hpp>

#include "tcp_peer.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace uk::literals;
using uk::net::seq;
using uk::net::tcp_connection;
using uk::net::tcp_count;
using uk::net::tcp_segment;
namespace flag = uk::net::tcp_flag;
using world::accept_into;
using world::network;
using world::read_into;
using world::write;

namespace {

using host = world::host<uk::net::tcp_limits{.connections = 8, .backlog = 2}>;

/// A host that does ECN, and a connection to it whose peer is the test.
struct talk {
    using talker = world::host<uk::net::tcp_limits{.features = {.ecn = true}}>;
    using peer = world::peer<talker>;

    talk() {
        REQUIRE(accept_into(h, accepted).detach());
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
    marked.traffic_class = 3;
    n.log.clear();
    h[uk::port::ip].inject(marked);
    CHECK((p.answer(100ms)->flags & flag::ece) != 0);
    p.send(flag::ack, {105}, next, "more");
    CHECK((p.answer(100ms)->flags & flag::ece) != 0);  // until the peer has heard of it
    p.send(flag::ack | flag::cwr, {109}, next, "less");
    CHECK((p.answer(100ms)->flags & flag::ece) == 0);

    const std::string text(7300, 'x');
    REQUIRE(write(h, accepted.front(), text).detach());
    auto sent = p.answers();
    REQUIRE_FALSE(sent.empty());
    CHECK(p.last.front().traffic_class == 2);
    CHECK((sent.front().flags & flag::cwr) == 0);
    p.send(flag::ack | flag::ece, {113}, next + sent.front().text);
    p.send(flag::ack | flag::ece, {113}, next + 2 * sent.front().text);
    const std::string again(3000, 'y');
    p.send(flag::ack, {113}, next + 7300);
    p.answers();
    REQUIRE(write(h, accepted.front(), again).detach());
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
        REQUIRE(write(t.h, t.accepted[0], text).detach());
        REQUIRE(t.p.answers().size() == 3);
        if (timeout) {
            CHECK_FALSE(t.p.answers(1s).empty());
        } else {
            for (int i = 0; i < 3; ++i) t.p.send(flag::ack, {101}, t.next);
            CHECK(t.p.answers().size() == 1);
        }
        for (const auto& d : t.p.last) {
            CHECK(d.traffic_class == 0);  // what is sent again may not be marked
            CHECK((world::parse_tcp(d.octets).flags & flag::cwr) == 0);
        }
        t.p.send(flag::ack, {101}, t.next + 4380);
        REQUIRE(write(t.h, t.accepted[0], text).detach());
        const auto sent = t.p.answers();
        REQUIRE(sent.size() >= 2);
        CHECK((sent[0].flags & flag::cwr) != 0);
        CHECK((sent[1].flags & flag::cwr) == 0);
    }
}

TEST_CASE("a mark counts after any number of octets without one") {
    using slot = uk::net::tcp_slot<uk::net::tcp_features{.ecn = true}, uk::net::new_reno>;
    talk t;
    auto& r = static_cast<slot&>(*t.accepted[0].record());
    // As if sent long ago: 1 GiB at a time, with an acknowledgment after each.
    for (int i = 0; i < 3; ++i) {
        r.ecn.until = uk::net::seq{r.ecn.until.value - (1U << 30)};
        REQUIRE(write(t.h, t.accepted[0], "text").detach());
        t.p.answers();
        t.next = t.next + 4;
        t.p.send(flag::ack, {101}, t.next);
    }
    const std::string text(1460, 'x');
    REQUIRE(write(t.h, t.accepted[0], text).detach());
    t.p.answers();
    const auto before = r.congestion.window;
    t.p.send(flag::ack | flag::ece, {101}, t.next + 1460);
    CHECK(r.congestion.window < before);
}

TEST_CASE("a full backlog: cookies, and connections from them (RFC 4987)") {
    network n(4);
    host h(world::right_address);
    std::vector<tcp_connection> accepted;
    REQUIRE(accept_into(h, accepted).detach());
    world::pass(n, 1ms, h);
    world::peer<host> p(n, h);
    for (std::uint16_t port = 1; port <= 100; ++port) p.send(flag::syn, {port}, {0}, {}, port);
    world::pass(n, 1ms, h);
    n.log.clear();
    CHECK(h.net().in_use() == 2);
    CHECK(h.count(tcp_count::cookies_out) == 98);
    tcp_segment syn = world::peer<host>::segment(flag::syn, {900}, {0});
    syn.options.mss = 1300;
    syn.options.sack_permitted = true;
    p.send(syn);
    const auto a = p.answer();
    REQUIRE(a);
    CHECK(a->flags == (flag::syn | flag::ack));
    CHECK(a->acknowledgment == seq{901});
    CHECK_FALSE(a->options.sack_permitted);
    CHECK(a->window == uk::net::tcp_limits{}.receive_window);
    p.send(flag::ack, {901}, a->sequence + 9, "no");  // not our cookie
    CHECK((p.answer()->flags & flag::rst) != 0);
    p.send(flag::ack, {901}, a->sequence + 1, "yes");
    world::pass(n, 1ms, h);
    REQUIRE(accepted.size() == 1);
    CHECK(h.count(tcp_count::cookies_in) == 1);
    std::string got;
    std::optional<uk::error> end;
    REQUIRE(read_into(h, accepted.front(), got, end).detach());
    world::pass(n, 1ms, h);
    CHECK(got == "yes");
    CHECK(h.net().in_use() == 2);  // the oldest opening has made room
}
