// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_state.hpp>

#include <doctest/doctest.h>

#include <array>
#include <random>

namespace net = uk::net;
namespace flag = uk::net::tcp_flag;
using net::on_sent;
using net::seq;
using net::tcb;
using net::tcp_drop;
using net::tcp_segment;
using net::tcp_state;

namespace {

constexpr std::uint32_t window = 4000;

tcp_segment make(unsigned flags, seq at, seq ack, std::uint32_t text = 0, std::uint16_t peer_window = 5000) {
    tcp_segment s;
    s.source_port = 1;
    s.destination_port = 2;
    s.flags = static_cast<std::uint8_t>(flags);
    s.sequence = at;
    s.acknowledgment = ack;
    s.text = text;
    s.window = peer_window;
    return s;
}

net::tcp_reaction on_segment(tcb& c, tcp_segment s) {
    net::tcp_reaction r;
    net::on_segment(c, s, r);
    return r;
}

/// A connection just opened; our numbers start at `us`, the peer's at `them`: the next octets are one further.
tcb established(seq us = {1000}, seq them = {9000}) {
    tcb c;
    c.state = tcp_state::established;
    c.mss = 1000;
    c.iss = us;
    c.una = c.nxt = c.max = us + 1;
    c.window = c.window_max = 5000;
    c.rcv_nxt = c.wl1 = them + 1;
    c.wl2 = c.una;
    c.rcv_edge = c.rcv_nxt + window;
    return c;
}

void send(tcb& c, std::uint32_t text, bool fin = false) {
    c.shut |= fin;
    on_sent(c, c.nxt, text + (fin ? 1U : 0U), fin);
}

/// The segment, and all of its text taken as far as it is in order.
net::tcp_reaction feed(tcb& c, const tcp_segment& s) {
    auto r = on_segment(c, s);
    if (c.state >= tcp_state::established) net::on_text(c, r.take != 0 && r.at == c.rcv_nxt ? r.take : 0, r);
    return r;
}

/// A connection in each state, with 100 octets of ours under way where that can be.
tcb in_state(tcp_state s, seq us, seq them) {
    tcb c = established(us, them);
    const seq at = c.rcv_nxt;
    switch (s) {
        case tcp_state::closed: c = {}; break;
        case tcp_state::listen:
            c = {};
            c.state = s;
            c.iss = c.una = c.nxt = c.max = us;
            break;
        case tcp_state::syn_sent:
        case tcp_state::syn_received:
            c.state = s;
            c.una = us;
            break;
        case tcp_state::established: send(c, 100); break;
        case tcp_state::fin_wait_1: send(c, 100, true); break;
        case tcp_state::fin_wait_2:
            send(c, 0, true);
            feed(c, make(flag::ack, at, c.max));
            break;
        case tcp_state::close_wait:
            feed(c, make(flag::ack | flag::fin, at, c.una));
            send(c, 100);
            break;
        case tcp_state::closing:
            send(c, 0, true);
            feed(c, make(flag::ack | flag::fin, at, c.una));
            break;
        case tcp_state::last_ack:
            feed(c, make(flag::ack | flag::fin, at, c.una));
            send(c, 100, true);
            break;
        case tcp_state::time_wait:
            send(c, 0, true);
            feed(c, make(flag::ack | flag::fin, at, c.max));
            break;
    }
    return c;
}

constexpr std::array states{tcp_state::closed,       tcp_state::listen,      tcp_state::syn_sent,
                            tcp_state::syn_received, tcp_state::established, tcp_state::fin_wait_1,
                            tcp_state::fin_wait_2,   tcp_state::close_wait,  tcp_state::closing,
                            tcp_state::last_ack,     tcp_state::time_wait};

}  // namespace

TEST_CASE("the helper reaches every state") {
    for (tcp_state s : states) CHECK(in_state(s, {0xffffff80}, {0xfffffff0}).state == s);
}

TEST_CASE("passive opening (RFC 9293 figure 6)") {
    tcb c;
    c.state = tcp_state::listen;
    c.mss = 1460;
    c.iss = c.una = c.nxt = c.max = seq{300};
    auto syn = make(flag::syn, {0xffffffff}, {0});
    syn.options.mss = 1400;
    CHECK(on_segment(c, syn).drop == tcp_drop::none);
    CHECK(c.state == tcp_state::syn_received);
    CHECK(c.passive);
    CHECK(c.rcv_nxt == seq{0});
    CHECK(c.mss == 1400);
    on_sent(c, c.nxt, 1, false);
    CHECK(net::advertise(c, window, 1) == window);
    const auto again = on_segment(c, syn);  // our answer was lost
    CHECK(again.repeat);
    CHECK(c.state == tcp_state::syn_received);
    const auto r = feed(c, make(flag::ack, {0}, {301}, 10));
    CHECK(r.opened);
    CHECK(r.acked == 0);
    CHECK(r.take == 10);
    CHECK(c.state == tcp_state::established);
    CHECK(c.rcv_nxt == seq{10});
}

TEST_CASE("the peer's MSS: 536 when it says nothing, never tiny, never above ours") {
    for (auto [says, is] : {std::pair{0, 536}, {1, 64}, {64, 64}, {1000, 1000}, {9000, 1460}}) {
        tcb c;
        c.state = tcp_state::listen;
        c.mss = 1460;
        auto syn = make(flag::syn, {5}, {0});
        syn.options.mss = static_cast<std::uint16_t>(says);
        on_segment(c, syn);
        CHECK(c.mss == is);
    }
}

TEST_CASE("a listener refuses what acknowledges, and ignores the rest (3.10.7.2)") {
    for (unsigned flags = 0; flags < 64; ++flags) {
        tcb c = in_state(tcp_state::listen, {1}, {2});
        const auto r = on_segment(c, make(flags, {7}, {8}));
        const bool rst = (flags & flag::rst) != 0;
        CHECK(r.reset == (!rst && (flags & flag::ack) != 0));
        const bool opens = (flags & (flag::rst | flag::ack | flag::syn | flag::fin)) == flag::syn;
        CHECK((c.state == tcp_state::syn_received) == opens);
    }
}

TEST_CASE("active opening, and what a SYN-SENT end does not believe (3.10.7.3, RFC 5961 section 3.2)") {
    const auto fresh = [] {
        tcb c = in_state(tcp_state::syn_sent, {1000}, {0});
        c.rcv_nxt = {};
        c.rcv_edge = seq{window};  // as advertised in the SYN
        return c;
    };
    tcb c = fresh();
    const auto r = on_segment(c, make(flag::syn | flag::ack, {500}, {1001}));
    CHECK(r.opened);
    CHECK(r.ack);
    CHECK(c.state == tcp_state::established);
    CHECK(c.rcv_nxt == seq{501});
    CHECK(c.rcv_edge == seq{501 + window});
    for (std::uint32_t ack : {1000U, 1002U, 999U, 0U}) {
        c = fresh();
        CHECK(on_segment(c, make(flag::syn | flag::ack, {500}, {ack})).reset);
        CHECK_FALSE(on_segment(c, make(flag::rst | flag::ack, {500}, {ack})).aborted);
        CHECK(c.state == tcp_state::syn_sent);
    }
    CHECK_FALSE(on_segment(c, make(flag::rst, {500}, {1001})).aborted);
    CHECK(on_segment(c, make(flag::rst | flag::ack, {500}, {1001})).aborted);
    CHECK(c.state == tcp_state::closed);
}

TEST_CASE("simultaneous opening (figure 7)") {
    tcb a = in_state(tcp_state::syn_sent, {100}, {0});
    tcb b = in_state(tcp_state::syn_sent, {300}, {0});
    CHECK(on_segment(a, make(flag::syn, {300}, {0})).repeat);
    CHECK(on_segment(b, make(flag::syn, {100}, {0})).repeat);
    CHECK(a.state == tcp_state::syn_received);
    CHECK_FALSE(a.passive);
    net::advertise(a, window, 1);
    net::advertise(b, window, 1);
    CHECK(on_segment(a, make(flag::syn | flag::ack, {300}, {101})).opened);
    CHECK(on_segment(b, make(flag::syn | flag::ack, {100}, {301})).opened);
    CHECK(a.state == tcp_state::established);
    CHECK(b.state == tcp_state::established);
    CHECK(a.rcv_nxt == seq{301});
}

TEST_CASE("closing: we first, the peer first, both at once, half") {
    SUBCASE("we first") {
        tcb c = established();
        send(c, 10, true);
        CHECK(c.state == tcp_state::fin_wait_1);
        CHECK(feed(c, make(flag::ack, c.rcv_nxt, c.una + 10)).acked == 10);
        CHECK(c.state == tcp_state::fin_wait_1);
        const auto r = feed(c, make(flag::ack, c.rcv_nxt, c.max));
        CHECK(r.acked == 0);
        CHECK(r.advanced);
        CHECK(c.state == tcp_state::fin_wait_2);
        CHECK(feed(c, make(flag::ack, c.rcv_nxt, c.max, 50)).take == 50);  // half-closed: the peer still talks
        const auto fin = feed(c, make(flag::ack | flag::fin, c.rcv_nxt, c.max, 5));
        CHECK(fin.ended);
        CHECK(fin.waits);
        CHECK(fin.ack);
        CHECK(c.state == tcp_state::time_wait);
        // The peer did not get our ACK: again, and the time begins anew.
        const auto again = feed(c, make(flag::ack | flag::fin, seq{c.rcv_nxt.value - 1}, c.max));
        CHECK(again.ack);
        CHECK(again.waits);
        CHECK_FALSE(again.ended);
    }
    SUBCASE("FIN and its acknowledgment in one segment") {
        tcb c = established();
        send(c, 0, true);
        CHECK(feed(c, make(flag::ack | flag::fin, c.rcv_nxt, c.max)).waits);
        CHECK(c.state == tcp_state::time_wait);
    }
    SUBCASE("the peer first") {
        tcb c = established();
        CHECK(feed(c, make(flag::ack | flag::fin, c.rcv_nxt, c.una, 3)).ended);
        CHECK(c.state == tcp_state::close_wait);
        CHECK(c.rcv_nxt == seq{9001 + 4});
        send(c, 100);
        CHECK(feed(c, make(flag::ack, c.rcv_nxt, c.max)).acked == 100);
        send(c, 0, true);
        CHECK(c.state == tcp_state::last_ack);
        CHECK(feed(c, make(flag::ack, c.rcv_nxt, c.max)).finished);
        CHECK(c.state == tcp_state::closed);
    }
    SUBCASE("both at once (figure 13)") {
        tcb c = established();
        send(c, 0, true);
        CHECK(feed(c, make(flag::ack | flag::fin, c.rcv_nxt, c.una)).ended);
        CHECK(c.state == tcp_state::closing);
        CHECK(feed(c, make(flag::ack, c.rcv_nxt, c.max)).waits);
        CHECK(c.state == tcp_state::time_wait);
    }
    SUBCASE("a FIN that comes early waits for what is missing") {
        tcb c = established();
        const seq at = c.rcv_nxt;
        auto r = feed(c, make(flag::ack | flag::fin, at + 100, c.una, 20));
        CHECK_FALSE(r.ended);
        CHECK(c.state == tcp_state::established);
        r = on_segment(c, make(flag::ack, at, c.una, 100));
        net::on_text(c, 120, r);
        CHECK(r.ended);
        CHECK(c.rcv_nxt == at + 121);
    }
}

TEST_CASE("RST: exactly next, in the window, outside (RFC 5961 section 3.2)") {
    for (tcp_state s : states) {
        if (s < tcp_state::syn_received) continue;
        CAPTURE(static_cast<int>(s));
        const tcb before = in_state(s, {0xfffffff0}, {0xffffff00});
        tcb c = before;
        auto r = on_segment(c, make(flag::rst, c.rcv_nxt, {0}));
        CHECK(r.aborted == (s != tcp_state::time_wait));  // RFC 1337
        c = before;
        r = on_segment(c, make(flag::rst, c.rcv_nxt + 1, {0}));
        CHECK_FALSE(r.aborted);
        CHECK(r.challenge == (before.rcv_edge - before.rcv_nxt >= 1));
        CHECK(c.state == s);
        for (seq at : {c.rcv_edge + 1, seq{c.rcv_nxt.value - 1}}) {
            c = before;
            r = on_segment(c, make(flag::rst, at, {0}));
            CHECK_FALSE(r.aborted);
            CHECK_FALSE(r.challenge);
            CHECK_FALSE(r.ack);
            CHECK(r.drop == tcp_drop::out_of_window);
            CHECK(c.state == s);
        }
    }
}

TEST_CASE("a SYN is never believed by a connection (RFC 5961 section 4.2)") {
    for (tcp_state s : states) {
        if (s < tcp_state::established) continue;
        for (std::uint32_t offset : {0U, 5U, 0x80000000U, 0xffffff00U}) {
            tcb c = in_state(s, {1}, {2});
            const auto r = on_segment(c, make(flag::syn, c.rcv_nxt + offset, {0}));
            CHECK(r.challenge);
            CHECK_FALSE(r.reset);
            CHECK(c.state == s);
        }
    }
}

TEST_CASE("acknowledgments of what was never sent, and very old ones (RFC 5961 section 5.2)") {
    tcb c = established();
    send(c, 100);
    auto r = feed(c, make(flag::ack, c.rcv_nxt, c.max + 1, 10));
    CHECK(r.challenge);
    CHECK(r.take == 0);
    r = feed(c, make(flag::ack, c.rcv_nxt, seq{c.una.value - c.window_max - 1}, 10));
    CHECK(r.challenge);
    CHECK(r.take == 0);
    r = feed(c, make(flag::ack, c.rcv_nxt, seq{c.una.value - c.window_max}, 10));
    CHECK_FALSE(r.challenge);
    CHECK(r.take == 10);
    CHECK(c.una == seq{1001});
}

TEST_CASE("after a timeout an acknowledgment of more than was sent again moves on at once") {
    tcb c = established();
    send(c, 1000);
    c.nxt = c.una;
    CHECK(feed(c, make(flag::ack, c.rcv_nxt, c.una + 600)).acked == 600);
    CHECK(c.nxt == c.una);
    CHECK(c.flight() == 0);
    CHECK(c.max - c.una == 400);
}

TEST_CASE("a FIN beyond a gap is acknowledged at once, each time (RFC 5681 section 4.2)") {
    tcb c = established({1}, {0xffffff00});
    const seq at = c.rcv_nxt;
    for (unsigned i = 0; i < 2; ++i) {
        const auto r = on_segment(c, make(flag::ack | flag::fin, at + 10, c.una, 0));
        CHECK(r.drop == tcp_drop::none);
        CHECK(r.ack);
        CHECK(c.rcv_nxt == at);
        CHECK(c.fin_at == at + 10);
    }
    tcb d = established({1}, {0xffffff00});
    CHECK_FALSE(on_segment(d, make(flag::ack | flag::fin, at, d.una, 0)).ack);  // `on_text` says so
}

TEST_CASE("text: old, overlapping, early, beyond the window") {
    const tcb before = established({1}, {0xffffff00});
    const seq at = before.rcv_nxt;
    tcb c = before;
    auto r = on_segment(c, make(flag::ack, seq{at.value - 50}, c.una, 50));
    CHECK(r.drop == tcp_drop::out_of_window);
    CHECK(r.ack);
    r = on_segment(c, make(flag::ack, seq{at.value - 50}, c.una, 80));
    CHECK(r.skip == 50);
    CHECK(r.take == 30);
    CHECK(r.at == at);
    r = on_segment(c, make(flag::ack, at + 500, c.una, 80));
    CHECK(r.skip == 0);
    CHECK(r.at == at + 500);
    CHECK(r.take == 80);
    r = on_segment(c, make(flag::ack | flag::fin, at + (window - 10), c.una, 80));
    CHECK(r.take == 10);
    CHECK_FALSE(c.peer_fin);  // it stands behind what was cut off
    r = on_segment(c, make(flag::ack, at + window, c.una, 1));
    CHECK(r.drop == tcp_drop::out_of_window);
    r = on_segment(c, make(flag::ack, at + window, c.una, 0));
    CHECK(r.drop == tcp_drop::none);
}

TEST_CASE("with a closed window acknowledgments count, and probes are answered") {
    tcb c = established();
    send(c, 100);
    c.rcv_edge = c.rcv_nxt;
    const auto r = feed(c, make(flag::ack | flag::fin, c.rcv_nxt, c.max, 1, 77));
    CHECK(r.acked == 100);
    CHECK(r.ack);
    CHECK(r.take == 0);
    CHECK(c.window == 77);
    CHECK(c.state == tcp_state::established);
}

TEST_CASE("the peer's window never reaches further than it has said") {
    tcb c = established();
    send(c, 3000);
    const seq first = c.una;
    on_segment(c, make(flag::ack, c.rcv_nxt + 500, first + 1000, 0, 4000));
    CHECK(c.una + c.window == first + 5000);
    SUBCASE("when the acknowledgment comes with text that is sent again") {
        on_segment(c, make(flag::ack, c.rcv_nxt, first + 2000, 100, 3000));
        CHECK(c.una + c.window == first + 5000);
    }
    SUBCASE("when an older acknowledgment comes late, with later text") {
        on_segment(c, make(flag::ack, c.rcv_nxt, first + 2000, 100, 3000));
        on_segment(c, make(flag::ack, c.rcv_nxt + 600, first + 1000, 0, 4000));
        CHECK(c.una + c.window == first + 5000);
    }
}

TEST_CASE("the peer's window: only newer segments set it") {
    tcb c = established();
    send(c, 100);
    feed(c, make(flag::ack, c.rcv_nxt, c.una + 50, 0, 2000));
    CHECK(c.window == 2000);
    feed(c, make(flag::ack, c.rcv_nxt, seq{c.una.value - 10}, 0, 1));  // older
    CHECK(c.window == 2000);
    feed(c, make(flag::ack, c.rcv_nxt, c.una, 0, 0));
    CHECK(c.window == 0);
    CHECK(c.window_max == 5000);
}

TEST_CASE("what is a duplicate acknowledgment (RFC 5681 section 2)") {
    tcb c = established();
    CHECK_FALSE(feed(c, make(flag::ack, c.rcv_nxt, c.una)).duplicate);  // nothing is under way
    send(c, 1000);
    CHECK(feed(c, make(flag::ack, c.rcv_nxt, c.una)).duplicate);
    CHECK_FALSE(feed(c, make(flag::ack, c.rcv_nxt, c.una, 0, 4000)).duplicate);
    CHECK_FALSE(feed(c, make(flag::ack, c.rcv_nxt, c.una, 5, 4000)).duplicate);
}

TEST_CASE("4 GiB and more each way: numbers wrap at every place") {
    for (std::uint32_t start : {0xffffffffU, 0xfffffffeU, 0xffffff9bU, 0x7fffffffU, 0U}) {
        tcb c = established({start}, {start - 50});
        for (int i = 0; i < 20; ++i) {
            send(c, 10);
            const auto r = feed(c, make(flag::ack, c.rcv_nxt, c.max, 10));
            CHECK(r.acked == 10);
            CHECK(r.take == 10);
            net::advertise(c, window, 1);
        }
        CHECK(c.una == seq{start + 201});
    }
    // When una comes by our first number again, the SYN does not count a second time.
    tcb c = established({1000}, {0});
    c.una = c.nxt = c.max = seq{995};
    send(c, 5);
    CHECK(feed(c, make(flag::ack, c.rcv_nxt, seq{1000})).acked == 5);
    send(c, 5);
    CHECK(feed(c, make(flag::ack, c.rcv_nxt, seq{1005})).acked == 5);
}

TEST_CASE("a SYN sent again after a scaled window tells as much as it can, not a part of it") {
    tcb c = established();
    c.own_shift = 3;
    CHECK(net::advertise(c, 300'000, 1) == 300'000 >> 3);
    c.own_shift = 0;
    CHECK(net::advertise(c, 300'000, 1) == 65'535);
    CHECK(c.rcv_edge - c.rcv_nxt == 300'000);
}

TEST_CASE("the advertised window: never back, not in crumbs") {
    tcb c = established();
    CHECK(net::advertise(c, 1000, 1) == window);
    CHECK(net::advertise(c, window + 500, 1000) == window);
    CHECK(net::advertise(c, window + 1000, 1000) == window + 1000);
    CHECK(net::advertise(c, 1'000'000, 1) == 65535);
}

TEST_CASE("the answer to what belongs to nobody (3.10.7.1)") {
    auto r = net::reset_for(make(flag::ack | flag::psh, {5}, {77}, 10));
    CHECK(r.flags == flag::rst);
    CHECK(r.sequence == seq{77});
    CHECK(r.source_port == 2);
    CHECK(r.destination_port == 1);
    r = net::reset_for(make(flag::syn | flag::fin, {0xffffffff}, {77}, 10));
    CHECK(r.flags == (flag::rst | flag::ack));
    CHECK(r.sequence == seq{0});
    CHECK(r.acknowledgment == seq{11});
    tcb c;
    CHECK(on_segment(c, make(flag::syn, {1}, {1})).reset);
    CHECK_FALSE(on_segment(c, make(flag::rst, {1}, {1})).reset);
}

TEST_CASE("all flags in all states, at all edges: nothing impossible happens") {
    std::mt19937 random(7);
    const std::array<std::uint32_t, 9> offsets{0,          1,          0xffffffff, window - 1, window,
                                               window + 1, 0x7fffffff, 0x80000000, 100};
    for (tcp_state s : states) {
        for (unsigned flags = 0; flags < 64; ++flags) {
            for (std::uint32_t at : offsets) {
                for (std::uint32_t ack : offsets) {
                    tcb c = in_state(s, {0xffffffb0}, {0xfffffff0});
                    const tcb before = c;
                    const auto text = static_cast<std::uint32_t>(random() % 3 == 0 ? random() % 1500 : 0);
                    const auto offer = static_cast<std::uint16_t>(random());
                    const auto segment = make(flags, c.rcv_nxt + at, c.una + ack, text, offer);
                    const auto r = feed(c, segment);
                    CHECK(c.una <= c.nxt);
                    CHECK(c.nxt <= c.max);
                    CHECK(r.acked <= before.max - before.una);
                    CHECK(std::uint64_t{r.skip} + r.take <= text);
                    CHECK((!r.reset || !segment.has(flag::rst)));
                    if (before.synchronized() && s != tcp_state::closed) CHECK(c.rcv_edge >= c.rcv_nxt);
                    if (r.aborted) CHECK(segment.has(flag::rst));
                    if (r.take != 0) CHECK(r.at - before.rcv_nxt + r.take <= window);
                    // Without RST a connection closes only by LAST-ACK.
                    if (c.state == tcp_state::closed && s != tcp_state::closed) CHECK((r.aborted || r.finished));
                }
            }
        }
    }
}
