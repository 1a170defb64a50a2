// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_plan.hpp>

#include <doctest/doctest.h>

namespace net = uk::net;
namespace flag = net::tcp_flag;
using net::seq;
using net::tcb;
using net::tcp_state;

namespace {

net::tcp_plan next_segment(const tcb& c, std::uint32_t queued, std::uint32_t allowed, bool no_delay) {
    net::tcp_plan p;
    net::next_segment(p, c, queued, allowed, no_delay);
    return p;
}

net::tcp_plan probe_segment(const tcb& c, std::uint32_t queued) {
    net::tcp_plan p;
    net::probe_segment(p, c, queued);
    return p;
}

constexpr std::uint32_t plenty = 1'000'000;

tcb open_connection() {
    tcb c;
    c.state = tcp_state::established;
    c.mss = 1000;
    c.iss = seq{0xffffff00};
    c.una = c.nxt = c.max = c.iss + 1;
    c.window = c.window_max = 10'000;
    return c;
}

void sent(tcb& c, const net::tcp_plan& p) { net::on_sent(c, p.from, p.places(), p.has(flag::fin)); }

}  // namespace

TEST_CASE("a SYN is sent once, and again after a timeout") {
    tcb c;
    c.state = tcp_state::syn_sent;
    CHECK(next_segment(c, 0, 0, false).has(flag::syn));
    net::on_sent(c, c.nxt, 1, false);
    CHECK_FALSE(next_segment(c, 0, 0, false).send);
    c.nxt = c.una;
    CHECK(next_segment(c, 0, 0, false).has(flag::syn));
}

TEST_CASE("full segments go at once, the rest by Nagle's rule") {
    tcb c = open_connection();
    auto p = next_segment(c, 1500, plenty, false);
    CHECK(p.send);
    CHECK(p.length == 1000);
    CHECK_FALSE(p.has(flag::psh));
    sent(c, p);
    p = next_segment(c, 1500, plenty, false);
    CHECK_FALSE(p.send);
    CHECK(p.unsent == 500);
    p = next_segment(c, 1500, plenty, true);
    CHECK(p.send);
    CHECK(p.length == 500);
    CHECK(p.has(flag::psh));
    c.una = c.nxt;  // acknowledged: nothing is under way
    p = next_segment(c, 500, plenty, false);
    CHECK(p.send);
    CHECK(p.length == 500);
}

TEST_CASE("the smaller of both windows is the limit") {
    tcb c = open_connection();
    CHECK(next_segment(c, 5000, 700, false).length == 700);
    c.window = 300;
    CHECK(next_segment(c, 5000, plenty, false).length == 300);
    c.window = 0;
    const auto p = next_segment(c, 5000, plenty, false);
    CHECK_FALSE(p.send);
    CHECK(p.unsent == 5000);
    CHECK(probe_segment(c, 5000).length == 1);
}

TEST_CASE("silly windows are not filled (RFC 9293 section 3.8.6.2.1)") {
    tcb c = open_connection();
    c.window = 100;
    CHECK_FALSE(next_segment(c, 5000, plenty, false).send);
    CHECK(probe_segment(c, 5000).length == 100);
    CHECK(next_segment(c, 80, plenty, false).send);  // all there is
    c.window_max = 150;                              // a small receiver: half of its buffer will do
    CHECK(next_segment(c, 5000, plenty, false).send);
    c.nxt = c.max = c.una + 50;
    CHECK_FALSE(next_segment(c, 5000, plenty, true).send);
}

TEST_CASE("FIN goes with the last octets, or alone, even into a closed window, and only once") {
    tcb c = open_connection();
    c.shut = true;
    auto p = next_segment(c, 1200, plenty, false);
    CHECK_FALSE(p.has(flag::fin));
    sent(c, p);
    p = next_segment(c, 1200, plenty, false);
    CHECK(p.send);  // Nagle does not hold a FIN back
    CHECK(p.has(flag::fin));
    CHECK(p.length == 200);
    sent(c, p);
    CHECK(c.state == tcp_state::fin_wait_1);
    CHECK_FALSE(next_segment(c, 1200, plenty, false).send);
    c.nxt = c.una;  // a timeout: everything again, FIN too
    sent(c, next_segment(c, 1200, plenty, false));
    p = next_segment(c, 1200, plenty, false);
    CHECK(p.has(flag::fin));
    CHECK(p.length == 200);

    tcb empty = open_connection();
    empty.shut = true;
    empty.window = 0;
    p = next_segment(empty, 0, 0, false);
    CHECK(p.send);
    CHECK(p.has(flag::fin));
}

TEST_CASE("what was sent before goes again in small pieces too") {
    tcb c = open_connection();
    c.max = c.una + 700;
    c.window = 400;
    const auto p = next_segment(c, 5000, plenty, false);
    CHECK(p.send);
    CHECK(p.length == 400);
}

TEST_CASE("nothing is sent in states that have nothing to say") {
    for (auto s : {tcp_state::closed, tcp_state::listen, tcp_state::fin_wait_2, tcp_state::time_wait}) {
        tcb c = open_connection();
        c.state = s;
        CHECK_FALSE(next_segment(c, 1000, plenty, true).send);
    }
}

TEST_CASE("what is sent again begins at the first octet that is not acknowledged") {
    tcb c = open_connection();
    net::tcp_plan p;
    net::next_segment(p, c, 1500, plenty, false);
    sent(c, p);
    net::segment_again(p, c, 1500);
    CHECK(p.send);
    CHECK(p.from == c.una);
    CHECK(p.length == 1000);
    c.state = tcp_state::syn_received;
    net::segment_again(p, c, 1500);
    CHECK(p.has(flag::syn));
    CHECK(p.length == 0);
    CHECK(p.places() == 1);
}

TEST_CASE("a window of 65,535 is large, not negative (RFC 9293 MUST-1)") {
    tcb c = open_connection();
    c.window = c.window_max = 65'535;
    c.nxt = c.max = c.una + 40'000;
    CHECK(next_segment(c, 65'000, plenty, false).length == 1000);
    c.nxt = c.max = c.una + 65'000;
    CHECK(next_segment(c, 66'000, plenty, true).length == 535);
}

TEST_CASE("a window that shrinks behind what was sent: nothing new, the old again (RFC 9293 MUST-34)") {
    tcb c = open_connection();
    c.nxt = c.max = c.una + 3000;
    c.window = 500;
    const auto p = next_segment(c, 5000, plenty, true);
    CHECK_FALSE(p.send);
    CHECK(p.unsent == 2000);
    net::tcp_plan old;
    net::segment_again(old, c, 5000);
    CHECK(old.from == c.una);
    CHECK(old.length == 1000);
}
