// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_features.hpp>

#include <uk/net/tcp_cubic.hpp>

#include "tcp_transfer.hpp"

#include <doctest/doctest.h>

using namespace uk::literals;
using uk::net::tcp_count;
using uk::net::tcp_features;
using uk::net::tcp_limits;

namespace {

template <tcp_features F, class Congestion = uk::net::new_reno>
using host = world::host<tcp_limits{.features = F}, 128, Congestion>;

using full = host<tcp_features{}>;
using bare = host<uk::net::tcp_minimal>;
using no_sack = host<tcp_features{.sack = false}>;
using no_stamps = host<tcp_features{.timestamps = false}>;
using with_cubic = host<tcp_features{}, uk::net::cubic>;

/// Large windows, and the buffers for them.
template <class Congestion>
using fat =
    world::host<tcp_limits{.receive_window = 1 << 20, .receive_buffers = 1024, .send_buffers = 1024, .segments = 2000},
                4096, Congestion>;

template <class Left, class Right>
void all_troubles() {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        world::transfer<Left, Right>({seed, 30U * static_cast<unsigned>(seed % 8), 150, 50}, 40'000);
    }
    world::transfer<Left, Right>({99, 50, 0, 0}, 300'000);
}

}  // namespace

static_assert(tcp_features{} != uk::net::tcp_minimal);

TEST_CASE("the least TCP with itself, under all troubles") { all_troubles<bare, bare>(); }
TEST_CASE("all features with none, either way round") {
    all_troubles<full, bare>();
    all_troubles<bare, full>();
}
TEST_CASE("without SACK") { all_troubles<no_sack, no_sack>(); }
TEST_CASE("without timestamps") { all_troubles<no_stamps, full>(); }
TEST_CASE("ECN: marks instead of losses") {
    using ecn = host<tcp_features{.ecn = true}>;
    all_troubles<ecn, ecn>();
    all_troubles<ecn, full>();
    world::troubles t{.seed = 3};
    t.marks = 20;
    world::transfer<ecn, ecn>(t, 400'000, [](auto& left, auto& right) {
        CHECK(left.count(tcp_count::retransmits) + right.count(tcp_count::retransmits) == 0);
    });
}

TEST_CASE("CUBIC") { all_troubles<with_cubic, with_cubic>(); }

TEST_CASE("SACK repairs without timeouts what otherwise needs them") {
    std::uint32_t with = 0;
    std::uint32_t without = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        world::transfer<full, full>({seed, 30, 0, 0}, 200'000, [&](auto& left, auto& right) {
            with += left.count(tcp_count::timeouts) + right.count(tcp_count::timeouts);
        });
        world::transfer<bare, bare>({seed, 30, 0, 0}, 200'000, [&](auto& left, auto& right) {
            without += left.count(tcp_count::timeouts) + right.count(tcp_count::timeouts);
        });
    }
    MESSAGE("timeouts with SACK: " << with << ", without: " << without);
    CHECK(with * 3 < without);
}

TEST_CASE("reordering alone leads to no timeout and few copies") {
    world::transfer<full, full>({5, 0, 300, 0, 20ms}, 400'000, [](auto& left, auto& right) {
        CHECK(left.count(tcp_count::timeouts) + right.count(tcp_count::timeouts) == 0);
        CHECK(left.count(tcp_count::retransmits) < 60);
    });
}

TEST_CASE("a scaled window fills a long path that 65,535 octets cannot") {
    // 8 MB each way over 50 ms each way: with one window of 64 KB in each round trip 12 s, the least.
    const auto took = world::transfer<fat<uk::net::new_reno>, fat<uk::net::new_reno>>({1, 0, 0, 0, 50ms}, 8'000'000);
    MESSAGE("8 MB in " << took.count() / 1'000'000 << " ms");
    CHECK(took < 4s);
}
