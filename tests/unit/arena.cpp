// SPDX-License-Identifier: BSL-1.0
#include <uk/arena.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

TEST_CASE("blocks are aligned, distinct and reused") {
    uk::raw_memory<4096> memory;
    uk::arena a(memory.all());
    void* first = a.allocate(40);
    void* second = a.allocate(40);
    REQUIRE(first != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(first) % uk::arena::granule == 0);
    CHECK(first != second);
    CHECK(a.used() > 0);
    uk::arena::free(first);
    CHECK(a.allocate(40) == first);
    uk::arena::free(first);
    uk::arena::free(second);
    uk::arena::free(nullptr);
    CHECK(a.used() == 0);
    CHECK(a.peak() > 0);
}

TEST_CASE("exhaustion is a null pointer, and memory comes back") {
    uk::raw_memory<1024> memory;
    uk::arena a(memory.all());
    std::vector<void*> held;
    while (void* p = a.allocate(100)) held.push_back(p);
    CHECK(held.size() >= 6);
    CHECK(a.allocate(100) == nullptr);
    for (void* p : held) uk::arena::free(p);
    CHECK(a.used() == 0);
    CHECK(a.allocate(100) != nullptr);
}

TEST_CASE("too large a frame is refused, also near the top of the range of sizes") {
    uk::raw_memory<1024> memory;
    uk::arena a(memory.all());
    CHECK(a.allocate(uk::arena::largest) == nullptr);
    CHECK(a.allocate(uk::arena::largest + 1) == nullptr);
    CHECK(a.allocate(~std::size_t{0}) == nullptr);
    CHECK(a.used() == 0);
}

TEST_CASE("random use never hands out overlapping memory") {
    constexpr unsigned seed = 7;
    INFO("seed ", seed);
    std::mt19937 random(seed);
    static uk::raw_memory<256 * 1024> memory;
    uk::arena a(memory.all());
    struct block {
        unsigned char* at;
        std::size_t size;
        unsigned char mark;
    };
    std::vector<block> held;
    for (unsigned step = 0; step < 20'000; ++step) {
        if (held.empty() || random() % 2 == 0) {
            const std::size_t size = 1 + random() % 3000;
            auto* p = static_cast<unsigned char*>(a.allocate(size));
            if (p == nullptr) continue;
            held.push_back({p, size, static_cast<unsigned char>(step)});
            std::memset(p, held.back().mark, size);
        } else {
            std::swap(held[random() % held.size()], held.back());
            const block b = held.back();
            held.pop_back();
            for (std::size_t i = 0; i < b.size; ++i) REQUIRE(b.at[i] == b.mark);
            uk::arena::free(b.at);
        }
    }
    for (const block& b : held) uk::arena::free(b.at);
    CHECK(a.used() == 0);
}
