// SPDX-License-Identifier: BSL-1.0
#include <uk/bytes.hpp>

#include <doctest/doctest.h>

#include <array>

TEST_CASE("network order, at any alignment") {
    std::array<std::byte, 9> memory{};
    uk::store_be<std::uint32_t>(memory.data() + 1, 0x01020304);
    CHECK(memory[1] == std::byte{1});
    CHECK(memory[4] == std::byte{4});
    CHECK(uk::load_be<std::uint32_t>(memory.data() + 1) == 0x01020304);
    CHECK(uk::load_be<std::uint16_t>(memory.data() + 3) == 0x0304);
    uk::store_be<std::uint64_t>(memory.data() + 1, 0x1122334455667788);
    CHECK(uk::load_be<std::uint64_t>(memory.data() + 1) == 0x1122334455667788);
    CHECK(uk::load_be<std::uint8_t>(memory.data() + 8) == 0x88);
}

TEST_CASE("copy takes the shorter length") {
    std::array<std::byte, 4> to{};
    CHECK(uk::copy(to, uk::as_bytes("abcdef")) == 4);
    CHECK(uk::as_text(to) == "abcd");
    CHECK(uk::copy(to, uk::as_bytes("xy")) == 2);
    CHECK(uk::as_text(to) == "xycd");
    CHECK(uk::copy(to, {}) == 0);
    CHECK(uk::copy({}, uk::as_bytes("x")) == 0);
}
