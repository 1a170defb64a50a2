// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_record.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace net = uk::net;

TEST_CASE("a connection is small") { CHECK(sizeof(net::tcp_record) <= 328); }

TEST_CASE("each counter has a name of its own, in the order of the causes") {
    std::vector<std::string_view> names;
    std::string_view rest = net::tcp_count_names;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        names.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    CHECK(names.size() == static_cast<std::size_t>(net::tcp_count::last));
    CHECK(std::set(names.begin(), names.end()).size() == names.size());
    const auto name = [&](net::tcp_count c) { return names[static_cast<std::size_t>(c)]; };
    CHECK(name(net::tcp_count::not_syn) == "not_syn");
    CHECK(name(net::tcp_count::send_failed) == "send_failed");
    // The part maps causes to counters by their distance.
    const auto distance = [](net::tcp_drop d, net::tcp_count c) {
        return static_cast<int>(c) - static_cast<int>(net::tcp_count::out_of_window) - (static_cast<int>(d) - 1);
    };
    CHECK(distance(net::tcp_drop::out_of_window, net::tcp_count::out_of_window) == 0);
    CHECK(distance(net::tcp_drop::bad_ack, net::tcp_count::bad_ack) == 0);
    CHECK(distance(net::tcp_drop::bad_reset, net::tcp_count::bad_reset) == 0);
    CHECK(distance(net::tcp_drop::bad_syn, net::tcp_count::bad_syn) == 0);
    CHECK(distance(net::tcp_drop::no_ack, net::tcp_count::no_ack) == 0);
    CHECK(distance(net::tcp_drop::not_syn, net::tcp_count::not_syn) == 0);
}

TEST_CASE("what RFC 9293 asks of the defaults") {
    constexpr net::tcp_limits limits;
    CHECK(limits.keep_alive_ms >= 2 * 3'600'000);  // MUST-28
    CHECK(limits.keep_alive_probes > 1);           // MUST-29
    CHECK(limits.ack_delay_ms < 500);              // MUST-40
    // SHLD-10 and SHLD-11, MUST-23: the waits of R2 timeouts, from the shortest there are, or from the first of all.
    const auto waits = [](std::uint8_t retries, net::tcp_rtt r) {
        std::uint64_t all = 0;
        for (r.repeats = 0; r.repeats <= retries; ++r.repeats) all += r.timeout();
        return uk::duration(static_cast<std::int64_t>(all << 10));
    };
    net::tcp_rtt shortest;
    shortest.sample(1);
    CHECK(limits.retries >= 3);
    CHECK(waits(limits.retries, shortest) >= std::chrono::seconds(100));
    CHECK(waits(limits.connect_retries, {}) >= std::chrono::minutes(3));
}
