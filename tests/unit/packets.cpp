// SPDX-License-Identifier: BSL-1.0
#include <uk/packets.hpp>

#include <doctest/doctest.h>

TEST_CASE("the pool has as many buffers as its type says, each fit for a frame") {
    uk::packets<uk::packet_limits{.buffers = 8}> pool;
    CHECK(pool.store().available() == 8);
    uk::packet p = pool.store().take();
    CHECK(p.tailroom() >= 1514);
    CHECK(reinterpret_cast<std::uintptr_t>(p.data()) % 16 == 0);
}
