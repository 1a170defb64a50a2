// SPDX-License-Identifier: BSL-1.0
#include <uk/packet.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

namespace {
struct pool {
    uk::raw_memory<4 * (sizeof(uk::packet_buffer) + 256)> memory;
    uk::packet_store store{memory.all(), 256};
};
}  // namespace

TEST_CASE("a pool gives what it has, counts what it could not give, and gets everything back") {
    pool p;
    CHECK(p.store.available() == 4);
    {
        std::vector<uk::packet> held;
        for (int i = 0; i < 4; ++i) held.push_back(p.store.take());
        CHECK(p.store.available() == 0);
        CHECK_FALSE(p.store.take());
        CHECK(p.store.exhausted() == 1);
        held.pop_back();
        CHECK(p.store.take());
    }
    CHECK(p.store.available() == 4);
}

TEST_CASE("the last buffers of a pool are for those who give them back soon") {
    for (const auto& [count, reserved] : {std::pair{4, 0}, {16, 1}, {64, 4}, {128, 8}, {256, 8}}) {
        std::vector<std::byte> memory(static_cast<std::size_t>(count) * (sizeof(uk::packet_buffer) + 256));
        uk::packet_store store(memory, 256);
        std::vector<uk::packet> held;
        while (uk::packet p = store.take_spare(7)) held.push_back(std::move(p));
        CHECK(held.front().headroom() == 7);
        CHECK(store.available() == static_cast<std::size_t>(reserved));
        CHECK_FALSE(store.has_spare());
        if (reserved != 0) CHECK(store.take());
        CHECK(store.exhausted() == 0);
        held.pop_back();
        CHECK(store.has_spare());
    }
}

TEST_CASE("headers go in front, payload behind, and both come off again") {
    pool p;
    uk::packet k = p.store.take(100);
    CHECK(k.size() == 0);
    std::memcpy(k.push_back(5).data(), "hello", 5);
    std::memcpy(k.push_front(3).data(), "hd:", 3);
    CHECK(uk::as_text(k.contents()) == "hd:hello");
    CHECK(k.headroom() == 97);
    CHECK(k.tailroom() == 256 - 105);
    k.pop_front(3);
    k.pop_back(1);
    CHECK(uk::as_text(k.contents()) == "hell");
    k.truncate(2);
    CHECK(uk::as_text(k.contents()) == "he");
    k.truncate(100);
    k.pop_front(100);
    CHECK(k.size() == 0);
}

TEST_CASE("shared buffers live until the last handle dies") {
    pool p;
    uk::packet a = p.store.take();
    CHECK(a.exclusive());
    uk::packet b = a.share();
    CHECK_FALSE(a.exclusive());
    a = {};
    CHECK(b.exclusive());
    CHECK(p.store.available() == 3);
    b = p.store.take();
    CHECK(p.store.available() == 3);
    b = {};
    CHECK(p.store.available() == 4);
    CHECK_FALSE(uk::packet{}.share());
}

TEST_CASE("a ring may remember a buffer by its record") {
    pool p;
    uk::packet_buffer* record = p.store.take(0).detach();
    CHECK(p.store.available() == 3);
    uk::packet back = uk::packet::attach(record, 10, 20);
    CHECK(back.size() == 20);
    CHECK(back.headroom() == 10);
    back = {};
    CHECK(p.store.available() == 4);
}
