// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/sim_capture.hpp>

#include "sim_host.hpp"

#include <doctest/doctest.h>

#include <cstdio>

TEST_CASE("a capture is a header and, for each frame sent, its time, its length twice and its octets") {
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    uk::sim::world w(1);
    uk::sim::capture c(file);
    w.watch(c);
    w.step({3'000'000'007});
    w.report(0, true, fakes::frame_of({1, 2, 3}));
    w.report(1, false, fakes::frame_of({9}));
    CHECK(c.good());
    std::rewind(file);
    uk::sim::frame got(100);
    got.resize(std::fread(got.data(), 1, got.size(), file));
    CHECK(got == fakes::frame_of({0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0,
                                  0, 1, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 3, 1, 2, 3}));
    std::fclose(file);
}

TEST_CASE("a capture of arrivals has those only, and says when it cannot be written") {
    std::FILE* file = std::fopen("/dev/full", "w");
    REQUIRE(file != nullptr);
    std::setvbuf(file, nullptr, _IONBF, 0);
    uk::sim::world w(1);
    uk::sim::capture c(file, true);
    CHECK_FALSE(c.good());
    std::fclose(file);

    std::FILE* other = std::tmpfile();
    REQUIRE(other != nullptr);
    uk::sim::capture arrivals(other, true);
    w.watch(arrivals);
    w.report(0, true, fakes::frame_of({1}));
    w.report(1, false, fakes::frame_of({2}));
    CHECK(std::ftell(other) == 24 + 16 + 1);
    std::fclose(other);
}
