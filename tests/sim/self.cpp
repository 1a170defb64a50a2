// SPDX-License-Identifier: BSL-1.0
// The simulator's own tests: its judges see what they must, and find nothing where nothing is.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "generate.hpp"
#include "stage.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace {

namespace flag = uk::net::tcp_flag;
using uk::net::tcp_segment;
using namespace uk::literals;

constexpr std::uint32_t ours = 1'000;  // the numbers of the SYNs
constexpr std::uint32_t theirs = 9'000;

/// A connection between hosts 0 and 1, as a watcher sees it.
struct seen {
    uk::sim::world w{1};
    stage::findings found;
    stage::watcher watch{w, found};

    static tcp_segment make(unsigned from, unsigned flags, std::uint32_t at, std::uint32_t ack, std::uint16_t window) {
        tcp_segment s;
        s.source_port = from == 0 ? 5'000 : 7;
        s.destination_port = from == 0 ? 7 : 5'000;
        s.flags = static_cast<std::uint8_t>(flags);
        s.sequence.value = at;
        s.acknowledgment.value = ack;
        s.window = window;
        return s;
    }
    static uk::sim::frame frame(unsigned from, const tcp_segment& s, std::size_t text) {
        return stage::frame_with({}, uk::sim::address_of(from), uk::sim::address_of(1 - from), s, text);
    }
    void send(unsigned from, const uk::sim::frame& f, bool arrives = true) {
        w.report(from, true, f);
        if (arrives) w.report(1 - from, false, f);
    }
    void send(unsigned from, unsigned flags, std::uint32_t at, std::uint32_t ack, std::size_t text = 0,
              std::uint16_t window = 2'000, bool arrives = true) {
        send(from, frame(from, make(from, flags, at, ack, window), text), arrives);
    }
    void open() {
        w.step({1'000});
        tcp_segment syn = make(0, flag::syn, ours, 0, 2'000);
        syn.options.mss = 1'000;
        send(0, frame(0, syn, 0));
        syn = make(1, flag::syn | flag::ack, theirs, ours + 1, 2'000);
        syn.options.mss = 1'000;
        send(1, frame(1, syn, 0));
        send(0, flag::ack, ours + 1, theirs + 1);
        REQUIRE(found.count == 0);
    }
    bool says(const char* what) const {
        for (const std::string& f : found.all) {
            if (f.find(what) != f.npos) return true;
        }
        return false;
    }
};

}  // namespace

TEST_CASE("content differs at every place, and in every direction and talk") {
    std::array<std::byte, 100> text;
    stage::content{77}.fill(13, text);
    CHECK(stage::content{77}.matches(13, text));
    CHECK_FALSE(stage::content{77}.matches(14, text));
    CHECK_FALSE(stage::content{77}.matches(21, text));
    CHECK_FALSE(stage::content{78}.matches(13, text));
    text[99] ^= std::byte{1};
    CHECK_FALSE(stage::content{77}.matches(13, text));
    CHECK(stage::content{77}.matches(13, uk::bytes(text).first(99)));
}

TEST_CASE("the watcher is content with a right exchange") {
    seen s;
    s.open();
    s.send(0, flag::ack, ours + 1, theirs + 1, 1'000);
    s.send(0, flag::ack, ours + 1'001, theirs + 1, 1'000, 2'000, false);  // lost
    s.send(1, flag::ack, theirs + 1, ours + 1'001, 0, 1'000);
    s.send(0, flag::ack, ours + 1'001, theirs + 1, 1'000);  // again
    s.send(1, flag::ack, theirs + 1, ours + 2'001, 0, 0);   // closed
    s.send(0, flag::ack, ours + 2'001, theirs + 1, 1);      // a probe
    s.send(1, flag::ack, theirs + 1, ours + 2'001, 0, 2'000);
    s.send(0, flag::ack | flag::fin, ours + 2'001, theirs + 1, 10);
    s.send(1, flag::ack | flag::fin, theirs + 1, ours + 2'012, 0);
    s.send(0, flag::ack, ours + 2'012, theirs + 2);
    s.send(0, flag::syn, ours + 500'000, 0);  // a new life on the same ports
    s.send(1, flag::syn | flag::ack, theirs + 700'000, ours + 500'001);
    s.send(0, flag::ack, ours + 500'001, theirs + 700'001, 20);
    for (const std::string& f : s.found.all) MESSAGE(f);
    CHECK(s.found.count == 0);
    CHECK(s.watch.segments() == 16);
    CHECK(s.watch.text() == 3'000 + 1 + 10 + 20);
}

TEST_CASE("the watcher sees what breaks RFC 9293") {
    seen s;
    s.open();
    SUBCASE("text beyond the window") {
        s.send(0, flag::ack, ours + 1, theirs + 1, 1'000);
        s.send(0, flag::ack, ours + 1'001, theirs + 1, 1'000);
        s.send(0, flag::ack, ours + 2'001, theirs + 1, 2);
        CHECK(s.says("2 octets beyond the window"));
    }
    SUBCASE("text beyond a window that was told, but did not arrive") {
        s.send(1, flag::ack, theirs + 1, ours + 1, 0, 9'000, false);
        s.send(0, flag::ack, ours + 1, theirs + 1, 1'000);
        s.send(0, flag::ack, ours + 1'001, theirs + 1, 1'000);
        s.send(0, flag::ack, ours + 2'001, theirs + 1, 500);
        CHECK(s.says("500 octets beyond the window"));
    }
    SUBCASE("a window taken back") {
        s.send(1, flag::ack, theirs + 1, ours + 1, 0, 1'999);
        CHECK(s.says("takes back 1 octets of its window"));
    }
    SUBCASE("an acknowledgment taken back") {
        s.send(0, flag::ack, ours + 1, theirs + 1, 100);
        s.send(1, flag::ack, theirs + 1, ours + 101);
        s.send(1, flag::ack, theirs + 1, ours + 100, 0, 2'001);
        CHECK(s.says("takes back an acknowledgment of 1"));
    }
    SUBCASE("an acknowledgment of what was lost") {
        s.send(0, flag::ack, ours + 1, theirs + 1, 100, 2'000, false);
        s.send(1, flag::ack, theirs + 1, ours + 101);
        CHECK(s.says("acknowledges 100 places not received"));
    }
    SUBCASE("a gap") {
        s.send(0, flag::ack, ours + 2, theirs + 1, 1);
        CHECK(s.says("leaves a gap"));
    }
    SUBCASE("text before the SYN") {
        s.send(0, flag::ack, ours - 5, theirs + 1, 1);
        CHECK(s.says("stands before the SYN"));
    }
    SUBCASE("a segment longer than the MSS") {
        s.send(0, flag::ack, ours + 1, theirs + 1, 1'001);
        CHECK(s.says("longer than the other end's MSS"));
    }
    SUBCASE("no acknowledgment") {
        s.send(0, flag::psh, ours + 1, 0, 1);
        CHECK(s.says("has no acknowledgment"));
    }
    SUBCASE("a wrong checksum") {
        auto f = seen::frame(0, seen::make(0, flag::ack, ours + 1, theirs + 1, 2'000), 10);
        f.back() ^= std::byte{1};
        s.send(0, f);
        CHECK(s.says("wrong checksum"));
    }
    SUBCASE("somebody else's address") {
        s.w.report(1, true, seen::frame(0, seen::make(0, flag::ack, ours + 1, theirs + 1, 2'000), 10));
        CHECK(s.says("somebody else's address"));
    }
    SUBCASE("words after a crash") {
        s.watch.forget(0);
        s.send(0, flag::ack, ours + 1, theirs + 1, 10);
        CHECK(s.says("belongs to no connection"));
    }
    CHECK(s.found.count == 1);
}

TEST_CASE("flipped bits are always seen by a checksum, or the frame is given up") {
    const auto whole = seen::frame(0, seen::make(0, flag::ack, 1, 2, 3), 64);
    uk::sim::random r(1);
    int changed = 0;
    for (int i = 0; i < 20'000; ++i) {
        auto f = whole;
        if (!stage::flip_bits(r, f)) continue;
        ++changed;
        const auto s = stage::segment_in(f);
        CHECK(f != whole);
        CHECK((!s || !s->whole));
        CHECK(std::equal(f.begin(), f.begin() + 14, whole.begin()));
    }
    CHECK(changed > 18'000);
    uk::sim::frame arp(42);
    arp[12] = std::byte{8};
    arp[13] = std::byte{6};
    CHECK_FALSE(stage::flip_bits(r, arp));
}

namespace {

/// One talk of two ordinary hosts over a good link.
stage::scenario plain() {
    stage::scenario s;
    s.seed = 5;
    s.kinds = {0, 0};
    s.cables.resize(2);
    stage::talk t;
    t.name = 0xabcdef0;
    t.how[stage::server].host = 1;
    t.how[stage::client].octets = 20'000;
    s.talks.push_back(t);
    return s;
}

/// Changes the last octet of long frames, and the checksum with it.
bool forge_text(uk::sim::random&, uk::sim::frame& f) {
    if (f.size() < 500 || f.size() % 2 != 0) return true;
    std::byte* sum = f.data() + 34 + uk::net::tcp_checksum_offset;
    f.back() ^= std::byte{1};
    const std::uint32_t less = std::to_integer<unsigned>(f.back() & std::byte{1}) != 0 ? 0xfffe : 1;
    const std::uint32_t more = uk::load_be<std::uint16_t>(sum) + less;
    uk::store_be(sum, static_cast<std::uint16_t>((more & 0xffff) + (more >> 16)));
    return true;
}

}  // namespace

TEST_CASE("the judge is content with a plain talk, and sees each way in which it can go wrong") {
    auto s = plain();
    const auto count = [](stage::theatre& t) { return t.run().found.count; };
    SUBCASE("nothing") {
        stage::theatre t(s);
        CHECK(count(t) == 0);
        CHECK(t.play().talks[0].side[stage::server].heard == 20'000);
        CHECK(t.play().talks[0].side[stage::client].over == stage::progress::end::done);
    }
    SUBCASE("text that no checksum defends") {
        s.cables[0].up.corrupt = 1'000'000;
        stage::theatre t(s);
        t.cables().pipes()[0]->spoil = forge_text;
        const auto out = t.run();
        CHECK(out.found.count > 0);
        REQUIRE_FALSE(out.found.all.empty());
        CHECK(out.found.all[0].find("hears something else") != std::string::npos);
    }
    SUBCASE("a talk that ends badly without a reason") {
        stage::theatre t(s);
        t.cables().pipes()[1]->cut = true;
        CHECK(count(t) == 2);
    }
    SUBCASE("a talk that nobody understands") {
        stage::theatre t(s);
        t.world().at(
            {},
            [](void* of, std::uint64_t, uk::sim::frame&&) {
                const_cast<stage::scenario&>(static_cast<stage::theatre*>(of)->play()).talks[0].how[1].host = 7;
            },
            &t);
        CHECK(count(t) > 0);
    }
    SUBCASE("a packet that does not come back") {
        stage::theatre t(s);
        static uk::packet kept;
        t.world().at(
            {1'000'000},
            [](void* of, std::uint64_t, uk::sim::frame&&) {
                auto* os = static_cast<stage::ordinary*>(static_cast<stage::theatre*>(of)->host(0)->stack);
                kept = (*os)[uk::port::packets].store().take();
            },
            &t);
        CHECK(count(t) == 1);
        kept = {};
    }
}

TEST_CASE("seeds make scenarios of all kinds") {
    unsigned switched = 0, crashes = 0, meetings = 0, forgeries = 0, gentle = 0, aborts = 0, crowds = 0;
    constexpr unsigned all = 2'000;
    for (std::uint64_t seed = 1; seed <= all; ++seed) {
        const auto s = stage::generator(seed, stage::kinds).make();
        switched += s.switched();
        gentle += s.gentle;
        forgeries += s.forgeries != 0;
        crowds += s.talks.size() > 4;
        for (const auto& m : s.mishaps) crashes += m.crash;
        for (const auto& t : s.talks) meetings += t.meeting;
        for (const auto& t : s.talks) aborts += t.aborts();
    }
    CHECK(switched > all / 5);
    CHECK(gentle > all / 3);
    CHECK(gentle < all * 9 / 10);
    CHECK(crashes > all / 20);
    CHECK(meetings > all / 30);
    CHECK(forgeries > all / 20);
    CHECK(aborts > all / 20);
    CHECK(crowds > all / 20);
}
