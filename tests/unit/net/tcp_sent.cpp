// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_sent.hpp>

#include <doctest/doctest.h>

#include <array>

using uk::net::tcp_sent;
using uk::net::tcp_sent_list;
using uk::net::tcp_sent_pool;

TEST_CASE("segments in order") {
    std::array<tcp_sent, 3> all;
    tcp_sent_pool pool(all, 1);
    tcp_sent_list l;
    CHECK(l.empty());
    CHECK(pool.spare(true) == 3);
    for (std::uint32_t i = 0; i < 3; ++i) l.add(pool).begin = {i};
    CHECK(pool.available() == 0);
    CHECK(pool.spare(false) == 0);
    CHECK(l.first()->begin == uk::net::seq{0});
    CHECK(l.last()->begin == uk::net::seq{2});
    CHECK(l.first()->next->next == l.last());
    for (int i = 0; i < 3; ++i) l.remove_first(pool);
    CHECK(l.empty());
    CHECK(l.last() == nullptr);
    CHECK(pool.available() == 3);
}

TEST_CASE("one record is kept for each connection that has none") {
    std::array<tcp_sent, 5> all;
    tcp_sent_pool pool(all, 3);
    tcp_sent_list greedy;
    unsigned taken = 0;
    for (; pool.may_take(greedy.empty()); ++taken) greedy.add(pool);
    CHECK(taken == 3);  // its own and the two that are nobody's
    tcp_sent_list others[2];
    for (auto& o : others) {
        REQUIRE(pool.may_take(o.empty()));
        o.add(pool);
        CHECK_FALSE(pool.may_take(o.empty()));
    }
    CHECK(pool.available() == 0);
    others[0].remove_first(pool);
    CHECK_FALSE(pool.may_take(greedy.empty()));  // that one is kept again
    greedy.remove_first(pool);
    CHECK(pool.may_take(greedy.empty()));
}
