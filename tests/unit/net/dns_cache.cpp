// SPDX-License-Identifier: BSL-1.0
#include <uk/net/dns_answer.hpp>
#include <uk/net/dns_cache.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace uk::literals;
namespace net = uk::net;
using net::dns_type;

namespace {

using answer = net::dns_answer<4>;
struct asking {};

/// Whatever it knows comes at once.
template <net::dns_cache_limits Limits, std::size_t Queries = 1>
struct direct_cache : net::dns_cache<Limits, Queries, answer, asking> {
    using base = net::dns_cache<Limits, Queries, answer, asking>;
    void put(const net::dns_name& name, dns_type type, const answer& a, std::uint32_t ttl, uk::instant now,
             bool keep = true) {
        const auto e = this->find(name, type, now);
        REQUIRE(e.at != nullptr);
        base::open(*e.at, name, type);
        base::close(*e.at, a, keep, ttl, now);
    }
};
using cache = direct_cache<net::dns_cache_limits{.entries = 2, .ttl_most = 1000, .missing_most = 100}>;

constexpr uk::instant start{5'000'000'000};

net::dns_name name(std::string_view text) {
    net::dns_name n;
    REQUIRE(net::parse_dns_name(text, n));
    return n;
}
answer found(int value) {
    answer a;
    a.addresses[3] = static_cast<std::byte>(value);
    a.count = 1;
    return a;
}
answer missing() {
    answer a;
    a.wrong = net::dns_error::no_such_name;
    return a;
}
/// The last octet of what is known, -1 for what is known to be missing, 0 for nothing known.
template <class Cache>
int known(Cache& c, std::string_view text, uk::instant now, dns_type type = dns_type::a) {
    const auto e = c.find(name(text), type, now);
    if (!e.known) return 0;
    const answer& a = e.at->answer();
    return a.count == 0 ? -1 : std::to_integer<int>(a.addresses[3]);
}

}  // namespace

TEST_CASE("an answer is known until its time is over, by name in any case and by type") {
    cache c;
    CHECK(known(c, "a.example", start) == 0);
    c.put(name("a.Example"), dns_type::a, found(1), 10, start);
    CHECK(known(c, "A.example", start) == 1);
    CHECK(known(c, "b.example", start) == 0);
    CHECK(known(c, "a.example", start, dns_type::aaaa) == 0);
    CHECK(known(c, "a.example", start + 9999ms) == 1);
    CHECK(known(c, "a.example", start + 10s) == 0);
}

TEST_CASE("times are capped, more so for what is missing; of 0 nothing is kept") {
    cache c;
    c.put(name("a"), dns_type::a, found(1), 0xffffffff, start);
    CHECK(known(c, "a", start + 999s) == 1);
    CHECK(known(c, "a", start + 1000s) == 0);
    c.put(name("b"), dns_type::a, missing(), 0xffffffff, start);
    CHECK(known(c, "b", start + 99s) == -1);
    CHECK(known(c, "b", start + 100s) == 0);
    c.put(name("c"), dns_type::a, found(3), 0, start);
    CHECK(known(c, "c", start) == 0);
    CHECK(known(c, "a", start) == 1);
    CHECK(known(c, "b", start) == -1);
}

TEST_CASE("times have a floor") {
    direct_cache<net::dns_cache_limits{.entries = 1, .ttl_least = 5}> c;
    c.put(name("a"), dns_type::a, found(1), 0, start);
    CHECK(known(c, "a", start + 4999ms) == 1);
    CHECK(known(c, "a", start + 5s) == 0);
}

TEST_CASE("what is not to be kept only serves those who asked, and so does everything without entries") {
    cache c;
    c.put(name("a"), dns_type::a, found(1), 10, start, false);
    CHECK(known(c, "a", start) == 0);
    direct_cache<net::dns_cache_limits{.entries = 0, .ttl_least = 5}> none;
    none.put(name("a"), dns_type::a, found(1), 10, start);
    CHECK(known(none, "a", start) == 0);
}

TEST_CASE("a new answer takes the place of the old one of its name when that is over") {
    cache c;
    c.put(name("a"), dns_type::a, found(1), 10, start);
    c.put(name("A"), dns_type::a, found(3), 20, start + 10s);
    CHECK(known(c, "a", start + 10s) == 3);
    c.put(name("a"), dns_type::a, missing(), 10, start + 30s);
    CHECK(known(c, "a", start + 30s) == -1);
}

TEST_CASE("what expires first goes first") {
    cache c;
    c.put(name("a"), dns_type::a, found(1), 500, start);
    c.put(name("b"), dns_type::a, found(2), 50, start);
    c.put(name("c"), dns_type::a, found(3), 100, start);
    c.put(name("d"), dns_type::a, found(4), 700, start);
    CHECK(known(c, "b", start) == 0);
    CHECK(known(c, "a", start) == 1);
    CHECK(known(c, "c", start) == 3);
    CHECK(known(c, "d", start) == 4);
}

TEST_CASE("names that do not exist displace at most one that does") {
    cache c;
    c.put(name("a"), dns_type::a, found(1), 20, start);
    c.put(name("b"), dns_type::a, found(2), 10, start);
    c.put(name("c"), dns_type::a, found(3), 30, start);
    for (int i = 0; i < 100; ++i) c.put(name("x" + std::to_string(i)), dns_type::a, missing(), 100, start);
    CHECK(known(c, "x99", start) == -1);
    CHECK(known(c, "x98", start) == 0);
    CHECK(known(c, "a", start) == 1);
    CHECK(known(c, "b", start) == 0);
    CHECK(known(c, "c", start) == 3);
}

TEST_CASE("what is being asked for is found, never displaced, and no more than the limit") {
    direct_cache<net::dns_cache_limits{.entries = 1}, 2> c;
    using base = decltype(c)::base;
    const auto one = c.find(name("one"), dns_type::a, start);
    REQUIRE(one.at != nullptr);
    CHECK_FALSE(one.known);
    base::open(*one.at, name("one"), dns_type::a);
    CHECK(one.at->open());
    for (int i = 0; i < 10; ++i) c.put(name("x" + std::to_string(i)), dns_type::a, found(i + 1), 100, start);
    // However long it takes.
    const auto again = c.find(name("ONE"), dns_type::a, start + 1000h);
    CHECK(again.known);
    CHECK(again.at == one.at);
    CHECK_FALSE(c.find(name("one"), dns_type::aaaa, start).known);
    const auto two = c.find(name("two"), dns_type::a, start);
    REQUIRE(two.at != nullptr);
    CHECK(two.at != one.at);
    base::open(*two.at, name("two"), dns_type::a);
    CHECK(c.find(name("three"), dns_type::a, start).at == nullptr);
    CHECK(c.find(name("two"), dns_type::a, start).known);
    base::close(*one.at, found(7), true, 10, start);
    CHECK_FALSE(one.at->open());
    CHECK(known(c, "one", start) == 7);
    CHECK(c.find(name("three"), dns_type::a, start).at != nullptr);
}
