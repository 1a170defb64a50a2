// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_cookie.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace uk::literals;
using uk::net::seq;
using uk::net::tcp_cookie;
using uk::net::tcp_ends;

namespace {

constexpr uk::siphash_key key{1, 2};
const tcp_ends ends{"10.0.0.2"_ip4, "10.0.0.1"_ip4, 80, 5000};
constexpr uk::instant start{std::uint64_t{1} << 40};

}  // namespace

TEST_CASE("a cookie holds the largest size that is not above the peer's") {
    for (auto [told, kept] : {std::pair{64, 64}, {100, 64}, {536, 536}, {1459, 1440}, {1460, 1460}, {65535, 8960}}) {
        const seq c = tcp_cookie::make(key, ends, seq{7}, start, static_cast<std::uint16_t>(told));
        CHECK(tcp_cookie::check(key, ends, seq{7}, start, c) == kept);
    }
}

TEST_CASE("it is good for one to two minutes") {
    const seq c = tcp_cookie::make(key, ends, seq{7}, start, 1460);
    CHECK(tcp_cookie::check(key, ends, seq{7}, start + 68s, c) == 1460);
    CHECK(tcp_cookie::check(key, ends, seq{7}, start + 138s, c) == 0);
}

TEST_CASE("another key, end, port or number makes it worthless") {
    const seq c = tcp_cookie::make(key, ends, seq{7}, start, 1460);
    CHECK(tcp_cookie::check({1, 3}, ends, seq{7}, start, c) == 0);
    CHECK(tcp_cookie::check(key, ends, seq{8}, start, c) == 0);
    tcp_ends other = ends;
    other.remote_port = 5001;
    CHECK(tcp_cookie::check(key, other, seq{7}, start, c) == 0);
    CHECK(tcp_cookie::check(key, ends, seq{7}, start, c + 8) == 0);
}

TEST_CASE("cookies of neighbouring ports have nothing in common") {
    std::set<std::uint32_t> seen;
    for (std::uint16_t port = 1; port <= 1000; ++port) {
        tcp_ends e = ends;
        e.remote_port = port;
        seen.insert(tcp_cookie::make(key, e, seq{7}, start, 1460).value);
    }
    CHECK(seen.size() == 1000);
}
