// SPDX-License-Identifier: BSL-1.0
#include "link_fixture.hpp"

#include <uk/net/ipv4_partial.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace fakes;
using namespace uk::net;
using fate = ipv4_fragment_fate;

namespace {

struct pool {
    uk::packets<> part;
    uk::packet take() { return part.store().take(); }
    std::size_t free() { return part.store().available(); }
};
constexpr std::size_t largest = 1664 - uk::packet_headroom;

// A fragment's header, with its octets in `original`.
struct fragment {
    octets whole;
    ipv4_datagram d;
    fragment(std::size_t offset, bool more, const octets& payload) {
        d.source = peer_ip;
        d.destination = our_ip;
        d.id = 77;
        d.protocol = 17;
        d.fragment = static_cast<std::uint16_t>(offset / 8 | (more ? ipv4_header::more_fragments : 0U));
        whole = ip_datagram(d, payload);
        d.total_length = static_cast<std::uint16_t>(whole.size());
        d.original = whole;
    }
    uk::bytes payload() const { return uk::bytes(whole).subspan(20); }
};

octets content(std::size_t from, std::size_t size) {
    octets o(size);
    for (std::size_t i = 0; i < size; ++i) o[i] = static_cast<std::byte>((from + i) * 7 + (from + i) / 256);
    return o;
}

fate add(ipv4_partial& p, std::size_t offset, std::size_t size, bool more) {
    const fragment f(offset, more, content(offset, size));
    return p.add(f.payload(), f.d);
}
fate add(ipv4_partial& p, std::size_t offset, bool more, const octets& payload) {
    const fragment f(offset, more, payload);
    return p.add(f.payload(), f.d);
}

void begin(ipv4_partial& p, pool& from) { p.begin(from.take(), fragment(0, true, octets(8)).d, {}); }

}  // namespace

TEST_CASE("fragments in any order, with duplicates, make the datagram") {
    std::mt19937 random(1);
    pool store;
    for (int round = 0; round < 2000; ++round) {
        const std::size_t size = 1 + random() % largest;
        struct piece {
            std::size_t offset, size;
        };
        std::vector<piece> pieces;
        for (std::size_t at = 0; at < size;) {
            std::size_t n = (1 + random() % 60) * 8;
            if (at + n >= size || at + n + 8 > largest) n = size - at;
            pieces.push_back({at, n});
            at += n;
        }
        if (pieces.size() < 2) continue;
        const std::size_t different = pieces.size();
        for (unsigned twice = random() % 4; twice > 0; --twice) pieces.push_back(pieces[random() % different]);
        std::shuffle(pieces.begin(), pieces.end(), random);
        ipv4_partial p;
        begin(p, store);
        std::vector<bool> came(size);
        for (const piece& q : pieces) {
            std::fill_n(came.begin() + static_cast<std::ptrdiff_t>(q.offset), q.size, true);
            const bool whole = std::ranges::count(came, false) == 0;
            REQUIRE(add(p, q.offset, q.size, q.offset + q.size != size) == (whole ? fate::complete : fate::kept));
            if (whole) break;
        }
        ipv4_datagram d;
        const uk::packet made = p.finish(d);
        CHECK_FALSE(p);
        REQUIRE(octets_of(made.contents()) == content(0, size));
        REQUIRE(d.total_length == 20 + size);
        REQUIRE_FALSE(d.is_fragment());
        REQUIRE(octets_of(d.original.subspan(20)) == content(0, size));
    }
    CHECK(store.free() == uk::packets<>::count);
}

TEST_CASE("every relation of two fragments but apart, adjacent and equal gives the datagram up") {
    pool store;
    for (std::size_t a = 0; a < 6; ++a) {
        for (std::size_t a_end = a + 1; a_end < 7; ++a_end) {
            for (std::size_t b = 0; b < 6; ++b) {
                for (std::size_t b_end = b + 1; b_end < 7; ++b_end) {
                    for (bool same : {true, false}) {
                        ipv4_partial p;
                        begin(p, store);
                        octets second = content(b * 8, (b_end - b) * 8);
                        if (!same) second.back() ^= std::byte{1};
                        REQUIRE(add(p, a * 8, (a_end - a) * 8, true) == fate::kept);
                        const bool apart = b >= a_end || b_end <= a;
                        // All of it has come and is the same: not to be told from a duplicate.
                        const bool within = b >= a && b_end <= a_end;
                        const bool good = apart || (within && (same || b_end > a_end));
                        REQUIRE((add(p, b * 8, true, second) == fate::kept) == good);
                    }
                }
            }
        }
    }
    CHECK(store.free() == uk::packets<>::count);
}

TEST_CASE("last fragments must agree, and nothing lies behind them") {
    pool store;
    ipv4_partial p;
    const auto after = [&](auto... steps) {
        begin(p, store);
        fate last{};
        (..., (last = steps()));
        return last;
    };
    const auto step = [&](std::size_t offset, std::size_t size, bool more) {
        return [&p, offset, size, more] { return add(p, offset, size, more); };
    };
    CHECK(after(step(16, 5, false), step(16, 5, false)) == fate::kept);
    CHECK(after(step(16, 5, false), step(16, 6, false)) == fate::overlap);
    CHECK(after(step(16, 5, false), step(16, 4, false)) == fate::overlap);
    CHECK(after(step(16, 5, false), step(24, 8, false)) == fate::overlap);
    CHECK(after(step(16, 5, false), step(24, 8, true)) == fate::overlap);
    CHECK(after(step(16, 5, false), step(8, 8, false)) == fate::overlap);
    CHECK(after(step(32, 8, true), step(16, 8, false)) == fate::overlap);
    CHECK(after(step(16, 8, false), step(16, 8, true)) == fate::kept);
    CHECK(after(step(16, 8, true), step(16, 8, false)) == fate::overlap);
    CHECK(after(step(16, 16, false), step(16, 8, false)) == fate::overlap);
    CHECK(after(step(16, 5, false), step(0, 8, true), step(8, 8, true)) == fate::complete);
}

TEST_CASE("sizes that no fragment has are refused, and change nothing") {
    pool store;
    ipv4_partial p;
    begin(p, store);
    for (std::size_t size : {1U, 7U, 9U, 100U}) CHECK(add(p, 0, size, true) == fate::malformed);
    CHECK(add(p, 0, 0, true) == fate::malformed);
    CHECK(add(p, 8, 0, false) == fate::malformed);
    CHECK(add(p, 65528, 8, false) == fate::malformed);  // beyond 65535
    CHECK(add(p, 65528, 16, true) == fate::malformed);
    CHECK(add(p, 8, 3, false) == fate::kept);
    CHECK(add(p, 0, 8, true) == fate::complete);
}

TEST_CASE("what is larger than the buffer is refused, to the octet") {
    pool store;
    ipv4_partial p;
    begin(p, store);
    CHECK(add(p, 65520, 8, true) == fate::too_large);
    CHECK(add(p, 65528, 7, false) == fate::too_large);
    CHECK(add(p, largest - 8, 9, false) == fate::too_large);
    CHECK(add(p, largest - 8, 8, true) == fate::too_large);
    CHECK(add(p, largest - 16, 8, true) == fate::kept);
    CHECK(add(p, largest - 8, 8, false) == fate::kept);
    CHECK(add(p, 0, largest - 16, true) == fate::complete);
}

TEST_CASE("whose fragment it is, and what is known of it") {
    pool store;
    ipv4_partial p;
    const fragment f(8, true, content(8, 8));
    CHECK_FALSE(p.is_of(f.d));
    p.begin(store.take(), f.d, {1000});
    CHECK(p.until() == uk::instant{1000});
    CHECK(p.source() == peer_ip);
    CHECK(p.is_of(f.d));
    for (auto change :
         {+[](ipv4_datagram& d) { d.source.value ^= 1; }, +[](ipv4_datagram& d) { d.destination.value ^= 1; },
          +[](ipv4_datagram& d) { d.id ^= 1; }, +[](ipv4_datagram& d) { d.protocol ^= 1; }}) {
        ipv4_datagram other = f.d;
        change(other);
        CHECK_FALSE(p.is_of(other));
    }
    CHECK(p.add(f.payload(), f.d) == fate::kept);
    CHECK(p.first() == nullptr);
    fragment first(0, true, content(0, 8));
    first.d.group = true;
    CHECK(p.add(first.payload(), first.d) == fate::kept);
    REQUIRE(p.first() != nullptr);
    CHECK(octets_of(p.first()->original) == octets(first.whole.begin(), first.whole.begin() + 28));
    CHECK(p.first()->group);
    p.drop();
    CHECK_FALSE(p);
    CHECK(store.free() == uk::packets<>::count);
}

TEST_CASE("any fragments at all are survived") {
    std::mt19937 random(2);
    pool store;
    for (int round = 0; round < 3000; ++round) {
        ipv4_partial p;
        begin(p, store);
        for (int i = 0; i < 30; ++i) {
            const fate f = add(p, random() % (random() % 8 == 0 ? 8192 : 24) * 8, random() % 40, random() % 4 != 0);
            if (f >= fate::overlap) break;
            if (f != fate::complete) continue;
            ipv4_datagram d;
            const uk::packet made = p.finish(d);
            REQUIRE(octets_of(made.contents()) == content(0, made.size()));
            break;
        }
    }
    CHECK(store.free() == uk::packets<>::count);
}
