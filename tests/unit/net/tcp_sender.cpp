// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_sender.hpp>

#include <uk/net/icmp_wire.hpp>

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

using host = world::host<uk::net::tcp_limits{
    .connections = 8, .backlog = 2, .keep_alive_ms = 60'000, .keep_alive_interval_ms = 10'000, .keep_alive_probes = 3}>;
using peer = world::peer<host>;
// Two segments under way beyond each connection's first.
using narrow = world::host<uk::net::tcp_limits{.connections = 2, .backlog = 2, .segments = 2}>;

template <class Waiting>
uk::task<> wait_for(host&, Waiting what, std::optional<uk::result<>>& end) {
    end = co_await what;
    co_return {};
}

/// A host with one connection, whose peer is the test; the peer offers what `offer` says.
struct scene {
    explicit scene(const tcp_segment& offer = peer::segment(flag::syn, {100}, {0})) {
        REQUIRE(accept_into(h, accepted).detach());
        world::pass(n, 1ms, h);
        p.send(offer);
        const auto a = p.answer();
        REQUIRE(a);
        next = a->sequence + 1;
        stamp = a->options.stamp;
        tcp_segment ack = peer::segment(flag::ack, {101}, next);
        if (offer.options.stamped) stamped(ack, offer.options.stamp);
        p.send(ack);
        world::pass(n, 1ms, h);
        n.log.clear();
        REQUIRE(accepted.size() == 1);
    }
    tcp_segment& stamped(tcp_segment& s, std::uint32_t value) const {
        s.options.stamped = true;
        s.options.stamp = value;
        s.options.echo = stamp;
        return s;
    }
    tcp_connection& c() { return accepted.front(); }

    network n{1};
    host h{world::right_address};
    peer p{n, h};
    std::vector<tcp_connection> accepted;
    seq next;
    std::uint32_t stamp = 0;
};

tcp_segment syn_with(std::uint8_t shift, bool sack, bool stamped) {
    tcp_segment s = peer::segment(flag::syn, {100}, {0});
    s.options.mss = 1460;
    s.options.shift = shift;
    s.options.sack_permitted = sack;
    s.options.stamped = stamped;
    s.options.stamp = 5000;
    return s;
}

constexpr std::uint8_t no_shift = uk::net::tcp_options::no_shift;

uk::net::icmp_error too_big(seq at, std::uint16_t mtu, std::array<std::byte, 8>& quoted) {
    uk::store_be(quoted.data(), std::uint16_t{80});
    uk::store_be(quoted.data() + 2, std::uint16_t{5000});
    uk::store_be(quoted.data() + 4, at.value);
    uk::net::icmp_error e;
    e.type = uk::net::icmp_type::unreachable;
    e.code = 4;
    e.protocol = 6;
    e.mtu = mtu;
    e.source = world::right_address;
    e.destination = world::left_address;
    e.quoted = quoted;
    return e;
}

}  // namespace

TEST_CASE("early text is told in SACK blocks, the latest first (RFC 2018 section 4)") {
    scene s(syn_with(no_shift, true, false));
    s.p.send(flag::ack, {201}, s.next, "first");
    auto a = s.p.answer();
    REQUIRE(a);
    CHECK(a->acknowledgment == seq{101});
    REQUIRE(a->options.blocks == 1);
    auto block = uk::net::sack_block(s.p.last.back().octets.data() + 24, 0);
    CHECK(block.begin == seq{201});
    CHECK(block.end == seq{206});
    s.p.send(flag::ack, {301}, s.next, "second");
    s.p.send(flag::ack, {206}, s.next, "more");
    a = s.p.answer();
    REQUIRE(a->options.blocks == 2);
    block = uk::net::sack_block(s.p.last.back().octets.data() + 24, 0);
    CHECK(block.begin == seq{201});
    CHECK(block.end == seq{210});
    CHECK(uk::net::sack_block(s.p.last.back().octets.data() + 24, 1).begin == seq{301});
}

TEST_CASE("text that comes twice is told once (RFC 2883)") {
    scene s(syn_with(no_shift, true, false));
    s.p.send(flag::ack, {101}, s.next, "text");
    s.p.answer(100ms);
    s.p.send(flag::ack, {101}, s.next, "text");
    const auto a = s.p.answer();
    REQUIRE(a);
    CHECK(a->acknowledgment == seq{105});
    REQUIRE(a->options.blocks == 1);
    const auto block = uk::net::sack_block(s.p.last.back().octets.data() + 24, 0);
    CHECK(block.begin == seq{101});
    CHECK(block.end == seq{105});
    s.p.send(flag::ack, {105}, s.next, "xy");
    CHECK(s.p.answer(100ms)->options.blocks == 0);
}

TEST_CASE("a peer that offers nothing gets nothing") {
    scene s;
    s.p.send(flag::ack, {201}, s.next, "early");
    const auto a = s.p.answer();
    REQUIRE(a);
    CHECK(a->header == 20);
}

TEST_CASE("the peer's window counts in its units") {
    scene s(syn_with(4, false, false));
    tcp_segment wide = peer::segment(flag::ack, {101}, s.next);
    wide.window = 100;  // 1,600 octets
    s.p.send(wide);
    const std::string text(5000, 'x');
    REQUIRE(write(s.h, s.c(), text).detach());
    std::size_t sent = 0;
    for (const auto& a : s.p.answers()) sent += a.text;
    CHECK(sent == 1460);  // one full segment; the rest of the window is not worth one
}

TEST_CASE("PAWS: what is older than the latest timestamp is answered, not taken (RFC 7323 section 5.3)") {
    scene s(syn_with(no_shift, false, true));
    std::string got;
    std::optional<uk::error> end;
    REQUIRE(read_into(s.h, s.c(), got, end).detach());
    tcp_segment text = peer::segment(flag::ack, {101}, s.next);
    s.p.send(s.stamped(text, 6000), "new");
    auto a = s.p.answer(100ms);
    REQUIRE(a);
    CHECK(a->options.stamped);
    CHECK(a->options.echo == 6000);
    CHECK(got == "new");
    text.sequence = seq{104};
    s.p.send(s.stamped(text, 5999), "old");
    a = s.p.answer();
    REQUIRE(a);
    CHECK(a->acknowledgment == seq{104});
    CHECK(s.h.count(tcp_count::old_stamps) == 1);
    CHECK(got == "new");
    s.p.send(flag::ack, {104}, s.next, "none");  // no timestamp at all: dropped in silence (section 3.2)
    CHECK_FALSE(s.p.answer());
    CHECK(s.h.count(tcp_count::no_stamp) == 1);
    s.p.send(flag::rst | flag::ack, {104}, s.next);  // a RST needs none
    world::pass(s.n, 1ms, s.h);
    CHECK(end == uk::error::reset);
}

TEST_CASE("a window taken back with text or a FIN under way is probed, for ever (RFC 9293 MUST-34, MUST-35, MUST-37)") {
    for (bool sack : {true, false}) {
        for (bool fin : {false, true}) {
            CAPTURE(sack);
            CAPTURE(fin);
            scene s(syn_with(no_shift, sack, false));
            const std::string text(fin ? 100 : 5000, 'x');
            REQUIRE(write(s.h, s.c(), text).detach());
            if (fin) s.c().shutdown();
            CHECK(s.p.answers().size() == (fin ? 1 : 3));
            tcp_segment closed = peer::segment(flag::ack, {101}, fin ? s.next + 100 : s.next);
            closed.window = 0;
            const auto begin = s.n.now;
            unsigned asked = 0;
            while (s.n.now - begin < 1h) {
                s.p.send(closed);
                asked += s.p.answers(5s).empty() ? 0 : 1;
            }
            CHECK(asked > 20);
            CHECK(asked < 400);
            CHECK(s.h.net().in_use() == 1);
            closed.window = 10'000;  // open again: all of it comes
            std::uint32_t seen = 0;
            for (int i = 0; i < 40; ++i) {
                s.p.send(closed);
                for (const auto& a : s.p.answers(2s)) {
                    if (a.sequence == closed.acknowledgment) closed.acknowledgment = a.sequence + a.length();
                }
            }
            seen = closed.acknowledgment - s.next;
            CHECK(seen == text.size() + (fin ? 1 : 0));
        }
    }
}

TEST_CASE("a window taken back by a peer that then vanishes: given up after R2") {
    scene s(syn_with(no_shift, true, false));
    const std::string text(5000, 'x');
    REQUIRE(write(s.h, s.c(), text).detach());
    CHECK(s.p.answers().size() == 3);
    tcp_segment closed = peer::segment(flag::ack, {101}, s.next);
    closed.window = 0;
    s.p.send(closed);
    world::pass(s.n, 1h, s.h);
    CHECK(s.h.count(tcp_count::given_up) == 1);
}

TEST_CASE("a tail that cannot be probed for want of records is sent again after a timeout, and given up") {
    network n{1};
    narrow h{world::right_address};
    world::peer<narrow> p{n, h};
    std::vector<tcp_connection> accepted;
    REQUIRE(accept_into(h, accepted).detach());
    world::pass(n, 1ms, h);
    p.send(syn_with(no_shift, true, false));
    const auto a = p.answer();
    REQUIRE(a);
    p.send(flag::ack, {101}, a->sequence + 1);
    world::pass(n, 1ms, h);
    REQUIRE(accepted.size() == 1);
    const std::string text(8000, 'x');
    REQUIRE(write(h, accepted[0], text).detach());
    world::pass(n, 5s, h);
    CHECK(h.count(tcp_count::timeouts) >= 2);
    CHECK(h.count(tcp_count::retransmits) >= 2);
    world::pass(n, 1h, h);
    CHECK(h.count(tcp_count::given_up) == 1);
}

TEST_CASE("keep-alive is off until asked for, then asks, and gives up (RFC 9293 section 3.8.4)") {
    scene s;
    CHECK_FALSE(s.p.answer(3h));
    s.c().set_keep_alive(true);
    CHECK_FALSE(s.p.answer(59s));
    auto a = s.p.answer(2s);
    REQUIRE(a);
    CHECK(a->sequence == seq{s.next.value - 1});
    CHECK(a->text == 0);
    s.p.send(flag::ack, {101}, s.next);  // still there
    CHECK_FALSE(s.p.answer(59s));
    CHECK(s.p.answers(1min).size() == 3);
    CHECK(s.h.count(tcp_count::keep_alives) == 4);
    std::string got;
    std::optional<uk::error> end;
    REQUIRE(read_into(s.h, s.c(), got, end).detach());
    world::pass(s.n, 1ms, s.h);
    CHECK(end == uk::error::timed_out);
}

TEST_CASE("the urgent mark, told and sent (RFC 9293 section 3.8.5)") {
    scene s;
    std::optional<uk::result<>> marked;
    REQUIRE(wait_for(s.h, s.c().urgent_mark(), marked).detach());
    world::pass(s.n, 1ms, s.h);
    CHECK_FALSE(marked);
    tcp_segment text = peer::segment(flag::ack | flag::urg, {101}, s.next);
    text.urgent = 9;  // beyond this segment
    s.p.send(text, "abcd");
    world::pass(s.n, 1ms, s.h);
    REQUIRE(marked);
    CHECK(marked->has_value());
    CHECK(s.c().urgent() == 9);
    std::string got;
    std::optional<uk::error> end;
    REQUIRE(read_into(s.h, s.c(), got, end).detach());
    world::pass(s.n, 1ms, s.h);
    CHECK(s.c().urgent() == 5);
    s.p.send(flag::ack, {105}, s.next, "efghijkl");
    world::pass(s.n, 1ms, s.h);
    CHECK(s.c().urgent() == 0);
    CHECK(got == "abcdefghijkl");

    s.n.log.clear();
    REQUIRE(write(s.h, s.c(), "hurry").detach());
    world::pass(s.n, 0ms, s.h);
    s.c().urge();
    s.n.log.clear();
    REQUIRE(write(s.h, s.c(), " or not").detach());
    s.p.send(flag::ack, {113}, s.next);
    const auto all = s.p.answers(3s);  // "hurry" again after a timeout
    REQUIRE_FALSE(all.empty());
    CHECK((all.back().flags & flag::urg) != 0);
    CHECK(all.back().urgent == 5);
    s.p.send(flag::ack, {113}, s.next + 5);
    const auto rest = s.p.answer();
    REQUIRE(rest);
    CHECK(rest->text == 7);
    CHECK((rest->flags & flag::urg) == 0);
}

TEST_CASE("each urgent mark is told once, and again when it moves on (RFC 9293 MUST-32)") {
    scene s;
    std::string got;
    std::optional<uk::error> end;
    REQUIRE(read_into(s.h, s.c(), got, end).detach());
    std::uint32_t at = 101;
    const auto urge = [&](std::uint16_t mark) {
        tcp_segment text = peer::segment(flag::ack | flag::urg, {at}, s.next);
        text.urgent = mark;
        s.p.send(text, "abcd");
        at += 4;
        world::pass(s.n, 1ms, s.h);
    };
    for (std::uint16_t mark : {4, 6, 8, 3}) {  // of this segment, beyond it, moved on, after it was read
        std::optional<uk::result<>> marked;
        REQUIRE(wait_for(s.h, s.c().urgent_mark(), marked).detach());
        world::pass(s.n, 1ms, s.h);
        CHECK_FALSE(marked);
        if (mark == 3) {
            s.p.send(flag::ack, {at}, s.next, "abcd");
            at += 4;
        }
        urge(mark);
        REQUIRE(marked);
        CHECK(marked->has_value());
    }
    std::optional<uk::result<>> marked;
    REQUIRE(wait_for(s.h, s.c().urgent_mark(), marked).detach());
    urge(0);
    CHECK_FALSE(marked);
}

TEST_CASE("whoever waits for urgent marks hears of the connection's end, however good") {
    for (const bool well : {true, false}) {
        CAPTURE(well);
        scene s;
        std::optional<uk::result<>> marked;
        REQUIRE(wait_for(s.h, s.c().urgent_mark(), marked).detach());
        tcp_segment last = peer::segment(flag::ack | flag::urg, {101}, s.next);
        last.urgent = 4;
        s.p.send(last, "abcd");
        world::pass(s.n, 1ms, s.h);
        REQUIRE(marked);
        CHECK(marked->has_value());
        marked.reset();
        std::string got;
        std::optional<uk::error> end;
        REQUIRE(read_into(s.h, s.c(), got, end).detach());
        s.c().shutdown();
        world::pass(s.n, 1ms, s.h);
        if (well) {
            s.p.send(flag::ack | flag::fin, {105}, s.next + 1);
        } else {
            s.p.send(flag::ack | flag::rst, {105}, s.next + 1);
        }
        REQUIRE(wait_for(s.h, s.c().urgent_mark(), marked).detach());
        world::pass(s.n, 1min, s.h);
        REQUIRE(marked);
        REQUIRE_FALSE(marked->has_value());
        CHECK(marked->error() == (well ? uk::error::closed : uk::error::reset));
    }
}

TEST_CASE("urgent marks of every kind do no harm (BI-17)") {
    for (unsigned mark : {0U, 1U, 4U, 5U, 65'535U}) {
        for (unsigned more : {0U, unsigned{flag::psh}, unsigned{flag::fin}}) {
            scene s;
            tcp_segment text = peer::segment(flag::ack | flag::urg | more, {101}, s.next);
            text.urgent = static_cast<std::uint16_t>(mark);
            std::string got;
            std::optional<uk::error> end;
            REQUIRE(read_into(s.h, s.c(), got, end).detach());
            s.p.send(text, "abcd");
            world::pass(s.n, 1ms, s.h);
            CHECK(got == "abcd");
            CHECK(s.c().urgent() == (mark > 4 ? mark - 4 - (more == flag::fin) : 0));
        }
    }
}

TEST_CASE("a narrow path: smaller segments, and what was lost again (RFC 1191)") {
    scene s(syn_with(no_shift, true, false));
    const std::string text(2920, 'x');
    REQUIRE(write(s.h, s.c(), text).detach());
    CHECK(s.p.answers().size() == 2);
    std::array<std::byte, 8> quoted;
    auto& net = s.h.net();
    net.receive_error(too_big(s.next + 5000, 1000, quoted));  // of nothing that we sent (RFC 5927)
    CHECK_FALSE(s.p.answer());
    net.receive_error(too_big(s.next, 1000, quoted));
    auto again = s.p.answers();
    REQUIRE(again.size() >= 3);
    CHECK(again[0].text == 960);
    CHECK(again[0].sequence == s.next);
    net.receive_error(too_big(s.next, 1400, quoted));  // never larger
    net.receive_error(too_big(s.next, 68, quoted));
    again = s.p.answers();
    REQUIRE_FALSE(again.empty());
    CHECK(again[0].text == 512);
    s.p.send(flag::ack, {101}, s.next + 2920);
    CHECK_FALSE(s.p.answer(5s));
}

TEST_CASE("no ICMP error ends a connection, but the application can ask (RFC 9293 MUST-47, MUST-56; RFC 5927)") {
    scene s;
    std::array<std::byte, 8> quoted;
    const std::string text(100, 'x');
    CHECK_FALSE(s.c().trouble().unreachable);
    REQUIRE(write(s.h, s.c(), text).detach());
    world::pass(s.n, 1ms, s.h);
    unsigned told = 0;
    for (unsigned type : {3U, 11U, 12U}) {
        for (std::uint8_t code = 0; code < 16; ++code) {
            uk::net::icmp_error e = too_big(s.next, 0, quoted);
            e.type = static_cast<uk::net::icmp_type>(type);
            e.code = code;
            s.h.net().receive_error(e);
            ++told;
        }
    }
    world::pass(s.n, 1ms, s.h);
    CHECK(s.h.net().in_use() == 1);
    CHECK(s.h.count(tcp_count::path_errors) == told);
    CHECK(s.c().trouble().unreachable);
    world::pass(s.n, 10s, s.h);
    CHECK(s.c().trouble().timeouts >= 3);
    s.p.send(flag::ack, {101}, s.next + 100);
    world::pass(s.n, 1ms, s.h);
    CHECK_FALSE(s.c().trouble().unreachable);
    CHECK(s.c().trouble().timeouts == 0);
}

TEST_CASE("a connection's segments have the DS field that it was given (RFC 9293 MUST-48)") {
    scene s;
    REQUIRE(write(s.h, s.c(), "one").detach());
    REQUIRE(s.p.answer());
    CHECK(s.p.last.front().traffic_class == 0);
    s.c().set_service(46);
    s.p.send(flag::ack, {101}, s.next + 3, "x");
    REQUIRE(s.p.answer(100ms));
    CHECK(s.p.last.back().traffic_class == 46 << 2);
    s.c().set_service(255);
    s.p.send(flag::ack, {102}, s.next + 3, "y");
    REQUIRE(s.p.answer(100ms));
    CHECK(s.p.last.back().traffic_class == 63 << 2);
}

TEST_CASE("flush waits for the peer, close for its FIN as well") {
    scene s;
    std::optional<uk::result<>> flushed;
    REQUIRE(write(s.h, s.c(), "text").detach());
    REQUIRE(wait_for(s.h, s.c().flush(), flushed).detach());
    world::pass(s.n, 1ms, s.h);
    CHECK_FALSE(flushed);
    s.p.send(flag::ack, {101}, s.next + 4);
    world::pass(s.n, 1ms, s.h);
    REQUIRE(flushed);
    CHECK(flushed->has_value());
    std::optional<uk::result<>> closed;
    REQUIRE(wait_for(s.h, s.c().close(), closed).detach());
    world::pass(s.n, 1ms, s.h);
    CHECK_FALSE(closed);
    s.p.send(flag::ack, {101}, s.next + 5);
    world::pass(s.n, 1ms, s.h);
    REQUIRE(closed);
    CHECK(closed->has_value());
}

TEST_CASE("flush fails with a connection that fails") {
    scene s;
    std::optional<uk::result<>> flushed;
    REQUIRE(write(s.h, s.c(), "text").detach());
    REQUIRE(wait_for(s.h, s.c().flush(), flushed).detach());
    s.p.send(flag::rst, {101}, {0});
    world::pass(s.n, 1ms, s.h);
    REQUIRE(flushed);
    CHECK(flushed->error() == uk::error::reset);
}

TEST_CASE("text and SACK blocks together are no longer than the peer's MSS allows (RFC 9293 MUST-16)") {
    for (std::uint32_t octets : {100U, 1436U, 1440U, 1448U, 1460U, 3000U}) {
        scene s(syn_with(no_shift, true, true));
        tcp_segment early = peer::segment(flag::ack, {201}, s.next);
        s.p.send(s.stamped(early, 5001), "early");
        early.sequence = seq{301};
        s.p.send(s.stamped(early, 5002), "earlier");
        s.p.answers();
        s.c().set_no_delay(true);
        const std::string text(octets, 'x');
        REQUIRE(write(s.h, s.c(), text).detach());
        std::uint32_t sent = 0;
        for (const auto& a : s.p.answers()) {
            CHECK(a.header + a.text <= 1480);
            sent += a.text;
        }
        CHECK(sent == octets);
    }
}

TEST_CASE("keep-alive: never beside text under way, and off again (RFC 9293 MUST-24, MUST-26)") {
    scene s;
    s.c().set_keep_alive(true);
    s.c().set_retries(100);
    REQUIRE(write(s.h, s.c(), "text").detach());
    world::pass(s.n, 5min, s.h);
    CHECK(s.h.count(tcp_count::timeouts) > 3);
    CHECK(s.h.count(tcp_count::keep_alives) == 0);
    s.p.send(flag::ack, {101}, s.next + 4);
    world::pass(s.n, 59s, s.h);
    CHECK(s.h.count(tcp_count::keep_alives) == 0);
    world::pass(s.n, 2s, s.h);
    CHECK(s.h.count(tcp_count::keep_alives) == 1);
    s.p.send(flag::ack, {101}, s.next + 4);
    s.c().set_keep_alive(false);
    world::pass(s.n, 1h, s.h);
    CHECK(s.h.count(tcp_count::keep_alives) == 1);
}

TEST_CASE("after an idle time the window begins anew (RFC 5681 section 4.1)") {
    scene s(syn_with(no_shift, true, false));
    const std::string text(120'000, 'x');
    const auto burst = [&](std::size_t octets) {
        REQUIRE(write(s.h, s.c(), std::string_view(text).substr(0, octets)).detach());
        std::size_t first = 0;
        seq end = s.next;
        for (int round = 0; round < 20 && end - s.next < octets; ++round) {
            const auto all = s.p.answers();
            for (const auto& a : all) end = a.sequence + a.text;
            if (round == 0) first = all.size();
            tcp_segment ack = peer::segment(flag::ack, {101}, end);
            ack.window = 65'535;
            s.p.send(ack);
        }
        s.next = end;
        return first;
    };
    burst(10);  // tells the window
    CHECK(burst(120'000) == 10);
    CHECK(burst(40'000) > 20);
    world::pass(s.n, 10s, s.h);
    CHECK(burst(40'000) == 10);
}

TEST_CASE("a router that does not tell its MTU: three quarters of what was sent (RFC 1191)") {
    scene s(syn_with(no_shift, true, false));
    const std::string text(2920, 'x');
    REQUIRE(write(s.h, s.c(), text).detach());
    CHECK(s.p.answers().size() == 2);
    std::array<std::byte, 8> quoted;
    s.h.net().receive_error(too_big(s.next, 0, quoted));
    const auto again = s.p.answers();
    REQUIRE_FALSE(again.empty());
    CHECK(again[0].text == 1095);
}

TEST_CASE("six segments in one turn of the loop: an acknowledgment for each two (RFC 2525 section 2.13)") {
    scene s;
    for (std::uint32_t i = 0; i < 6; ++i) s.p.send(flag::ack, {101 + i * 4}, s.next, "text");
    const auto all = s.p.answers();
    REQUIRE(all.size() == 3);
    CHECK(all[0].acknowledgment == seq{109});
    CHECK(all[2].acknowledgment == seq{125});
}
