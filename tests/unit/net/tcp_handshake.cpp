// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_handshake.hpp>

#include "tcp_peer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace uk::literals;
namespace net = uk::net;
namespace flag = uk::net::tcp_flag;
using net::agree;
using net::offer;
using net::seq;
using net::tcb;
using net::tcp_connection;
using net::tcp_count;
using net::tcp_features;
using net::tcp_options;
using net::tcp_segment;
using net::tcp_state;
using world::network;

namespace {

constexpr tcp_features all{};
constexpr std::uint8_t none = tcp_options::no_shift;

tcp_options options(std::uint8_t shift, bool sack, bool stamped) {
    tcp_options o;
    o.shift = shift;
    o.sack_permitted = sack;
    o.stamped = stamped;
    return o;
}

template <tcp_features F = all>
tcp_options answer_to(const tcp_options& theirs, std::uint8_t own_shift = 3) {
    tcb c;
    c.state = tcp_state::syn_received;
    agree<F>(c, own_shift, theirs);
    tcp_options o;
    offer<F>(c, own_shift, o);
    return o;
}

using host = world::host<net::tcp_limits{.connections = 8, .backlog = 2, .receive_window = 1 << 20}, 256>;
using peer = world::peer<host>;

uk::task<> accept_into(host& os, std::vector<tcp_connection>& out) {
    auto listener = co_await os.net().listen(80);
    while (true) out.push_back(co_await co_await listener.accept());
}

uk::task<> open(host& os) {
    const tcp_connection c = co_await co_await os.net().connect(world::left_address, 7);
    co_return {};
}

uk::task<> write(host&, tcp_connection& c, std::string_view text) {
    co_await co_await c.write_constant(uk::as_bytes(text));
    co_return {};
}

/// A host that accepts, and a peer by hand.
struct scene {
    scene() {
        REQUIRE(accept_into(h, accepted).detach());
        world::pass(n, 1ms, h);
        n.record = true;
    }
    network n{4};
    host h{world::right_address};
    peer p{n, h};
    std::vector<tcp_connection> accepted;
};

}  // namespace

static_assert(net::shift_for(65'535) == 0 && net::shift_for(65'536) == 1);
static_assert(net::shift_for(1 << 20) == 5 && net::shift_for((1U << 30) - 1) == 14);

TEST_CASE("a SYN offers all that the type has") {
    tcb c;
    c.state = tcp_state::syn_sent;
    tcp_options o;
    offer<all>(c, 7, o);
    CHECK(o.shift == 7);
    CHECK(o.sack_permitted);
    CHECK(o.stamped);
    tcp_options bare;
    offer<net::tcp_minimal>(c, 7, bare);
    CHECK(bare.shift == none);
    CHECK_FALSE(bare.sack_permitted);
    CHECK_FALSE(bare.stamped);
}

TEST_CASE("an answer offers what the peer offered, each by itself (RFC 7323 section 2.2, RFC 2018 section 2)") {
    for (unsigned bits = 0; bits < 8; ++bits) {
        const auto o = answer_to(options(bits & 1 ? 2 : none, bits & 2, bits & 4));
        CHECK(o.shift == (bits & 1 ? 3 : none));
        CHECK(o.sack_permitted == bool(bits & 2));
        CHECK(o.stamped == bool(bits & 4));
    }
    const auto bare = answer_to<net::tcp_minimal>(options(2, true, true));
    CHECK(bare.shift == none);
    CHECK_FALSE(bare.sack_permitted);
    CHECK_FALSE(bare.stamped);
}

TEST_CASE("shifts count only when both ends have one; 14 is the most (RFC 7323 section 2.3)") {
    tcb c;
    agree<all>(c, 5, options(none, false, false));
    CHECK(c.own_shift == 0);
    CHECK(c.peer_shift == 0);
    agree<all>(c, 5, options(0, false, false));
    CHECK(c.own_shift == 5);
    CHECK(c.peer_shift == 0);
    agree<all>(c, 5, options(200, false, false));
    CHECK(c.peer_shift == 14);
}

TEST_CASE("ECN: both flags ask, one agrees, anything else is no (RFC 3168 section 6.1.1)") {
    namespace flag = net::tcp_flag;
    const auto said = [](unsigned flags) {
        net::tcp_segment s;
        s.flags = static_cast<std::uint8_t>(flags);
        return net::agrees_on_ecn(s);
    };
    CHECK(said(flag::syn | flag::ece | flag::cwr));
    CHECK_FALSE(said(flag::syn | flag::ece));
    CHECK_FALSE(said(flag::syn));
    CHECK(said(flag::syn | flag::ack | flag::ece));
    CHECK_FALSE(said(flag::syn | flag::ack | flag::ece | flag::cwr));  // a peer that echoes what it does not know
    CHECK_FALSE(said(flag::syn | flag::ack));
    tcb c;
    c.state = tcp_state::syn_sent;
    CHECK(net::ecn_flags(c) == (flag::ece | flag::cwr));
    c.state = tcp_state::syn_received;
    CHECK(net::ecn_flags(c) == 0);
    c.ecn = true;
    CHECK(net::ecn_flags(c) == flag::ece);
}

TEST_CASE("timestamps take their room from the text (RFC 6691 section 2)") {
    tcb c;
    c.mss = 1460;
    agree<all>(c, 0, options(none, true, true));
    CHECK(c.mss == 1448);
}

TEST_CASE("the MSS is told with each SYN, with nothing else, and fits the link (RFC 9293 MUST-14, MUST-65, MUST-67)") {
    scene s;
    REQUIRE(open(s.h).detach());
    const auto syn = s.p.answer();
    REQUIRE(syn);
    CHECK(syn->flags == flag::syn);
    CHECK(syn->options.mss == s.h[uk::port::ip].mtu() - 20);
    const seq us = s.p.open() + 1;
    for (std::uint16_t port = 1; port <= 3; ++port) {
        s.p.send(flag::syn, {9}, {0}, {}, port);
        CHECK(s.p.answer()->options.mss == 1460);  // the third is a cookie
    }
    CHECK(s.h.count(tcp_count::cookies_out) == 1);
    s.p.send(flag::ack, {101}, us, "text");
    REQUIRE(s.accepted.size() == 1);
    s.accepted[0].abort();
    unsigned others = 0;
    for (const auto& a : s.p.answers(100ms)) {
        if (a.has(flag::syn)) continue;
        CHECK(a.options.mss == 0);
        ++others;
    }
    CHECK(others != 0);
}

TEST_CASE("the window of a SYN is never scaled, all others are (RFC 7323 section 2.2)") {
    scene s;
    tcp_segment syn = peer::segment(flag::syn, {100}, {0});
    syn.options.shift = 3;
    syn.window = 300;
    s.p.send(syn);
    const auto a = s.p.answer();
    REQUIRE(a);
    CHECK(a->options.shift == 5);
    CHECK(a->window == 65'535);
    s.p.send(flag::ack, {101}, a->sequence + 1, "x");
    const auto b = s.p.answer(100ms);
    REQUIRE(b);
    CHECK((b->window << 5) > 65'535);
    REQUIRE(s.accepted.size() == 1);
    CHECK(s.accepted[0].record()->control.window == 10'000 << 3);
}

TEST_CASE("after lost SYNs: 3 s to the next timeout, and after two of them one segment (RFC 6298 5.7, RFC 6928 2)") {
    for (unsigned lost : {0U, 1U, 2U}) {
        CAPTURE(lost);
        scene s;
        auto& [n, h, p, accepted] = s;
        p.send(flag::syn, {100}, {0});
        const auto first = p.answer();
        REQUIRE(first);
        world::pass(n, lost == 0 ? 0s : lost == 1 ? 2s : 4s, h);
        tcp_segment ack = peer::segment(flag::ack, {101}, first->sequence + 1);
        ack.window = 65'535;
        p.send(ack);
        world::pass(n, 1ms, h);
        REQUIRE(accepted.size() == 1);
        CHECK(h.count(tcp_count::timeouts) == lost);
        CHECK((accepted[0].record()->rtt.base == uk::net::tcp_rtt::after_lost_syn) == (lost != 0));
        n.log.clear();
        const std::string text(30'000, 'x');
        REQUIRE(write(h, accepted[0], text).detach());
        std::size_t sent = 0;
        for (const auto& a : p.answers()) sent += a.text;
        CHECK(sent == (lost > 1 ? 536 : 5360));
    }
}
