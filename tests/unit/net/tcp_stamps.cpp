// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_stamps.hpp>

#include <doctest/doctest.h>

using uk::net::seq;
using uk::net::tcp_segment;
using uk::net::tcp_stamps;

namespace {

tcp_segment at(std::uint32_t sequence, std::uint32_t stamp) {
    tcp_segment s;
    s.sequence = seq{sequence};
    s.options.stamped = true;
    s.options.stamp = stamp;
    return s;
}

}  // namespace

TEST_CASE("our clock goes on by about a millisecond, from a place of its own") {
    tcp_stamps t;
    t.offset = 1000;
    CHECK(t.at(uk::instant{0}) == 1000);
    CHECK(t.at(uk::instant{1'048'576}) == 1001);
    CHECK(t.at(uk::instant{std::uint64_t{3'600} * 1'000'000'000}) == 1000 + 3'433'227);
}

TEST_CASE("what is older than the latest is refused (RFC 7323 section 5.3), also across the wrap") {
    tcp_stamps t;
    CHECK_FALSE(t.too_old(0, 0));
    t.take(at(1, 0xffffffff), 7);
    CHECK(t.recent == 0xffffffff);
    CHECK(t.too_old(0xfffffffe, 7));
    CHECK_FALSE(t.too_old(0xffffffff, 7));
    CHECK_FALSE(t.too_old(3, 7));
}

TEST_CASE("24 idle days end the protection (section 5.5)") {
    tcp_stamps t;
    t.take(at(1, 500), 0);
    CHECK(t.too_old(499, tcp_stamps::stale - 1));
    CHECK_FALSE(t.too_old(499, tcp_stamps::stale));
}

TEST_CASE("only segments up to the last acknowledgment count, and none that is older (section 4.3)") {
    tcp_stamps t;
    t.take(at(100, 10), 0);
    t.last_ack = seq{200};
    t.take(at(201, 20), 0);  // beyond a gap: a delayed acknowledgment must echo the first
    CHECK(t.recent == 10);
    t.take(at(200, 20), 5);
    CHECK(t.recent == 20);
    CHECK(t.recent_at == 5);
    t.take(at(150, 15), 6);
    CHECK(t.recent == 20);
}
