// SPDX-License-Identifier: BSL-1.0
#include <uk/net/dns_answer.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace uk::literals;
namespace net = uk::net;

TEST_CASE("each error has a sentence of its own, and one of the system's errors") {
    std::set<std::string_view> sentences;
    constexpr auto last = static_cast<unsigned>(net::dns_error::no_entropy);
    for (unsigned i = 0; i <= last; ++i) sentences.insert(describe(static_cast<net::dns_error>(i)));
    CHECK(sentences.size() == last + 1);
    CHECK(sentences.count("unknown error") == 0);
    CHECK(describe(static_cast<net::dns_error>(last + 1)) == "unknown error");
    CHECK(reduce(net::dns_error::no_entropy) == uk::error::no_entropy);
    CHECK(reduce(net::dns_error::timed_out) == uk::error::timed_out);
    CHECK(reduce(net::dns_error::no_memory) == uk::error::no_memory);
    CHECK(reduce(net::dns_error::busy) == uk::error::no_memory);
    CHECK(reduce(net::dns_error::no_buffers) == uk::error::no_buffers);
    CHECK(reduce(net::dns_error::invalid_name) == uk::error::invalid);
    CHECK(reduce(net::dns_error::truncated) == uk::error::too_large);
    CHECK(reduce(net::dns_error::no_such_name) == uk::error::unreachable);
}

TEST_CASE("addresses as an application gets them") {
    net::dns_answer<32> a;
    CHECK(a.as<uk::ip4_address, 2>().error() == net::dns_error::no_servers);
    a.wrong = net::dns_error::no_address;
    CHECK(a.as<uk::ip4_address, 2>().error() == net::dns_error::no_address);
    for (unsigned i = 0; i < 32; ++i) a.addresses[i] = static_cast<std::byte>(i);
    a.count = 2;
    const auto four = a.as<uk::ip4_address, 2>();
    REQUIRE(four);
    CHECK(four->size() == 2);
    CHECK(four->front() == "0.1.2.3"_ip4);
    CHECK((*four)[1] == "4.5.6.7"_ip4);
    CHECK(four->end() - four->begin() == 2);
    const auto six = a.as<net::ip6_octets, 2>();
    REQUIRE(six);
    CHECK(six->size() == 2);
    CHECK((*six)[1][15] == std::byte{31});
    const auto one = a.as<uk::ip4_address, 1>();
    CHECK(one->size() == 1);
}
