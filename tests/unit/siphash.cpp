// SPDX-License-Identifier: BSL-1.0
#include <uk/siphash.hpp>

#include <doctest/doctest.h>

#include <array>
#include <utility>

namespace {

// The authors' test vectors: key 00 01 .. 0f, message 00 01 .. of the length given.
constexpr uk::siphash_key key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

constexpr std::uint64_t of_length(std::size_t n) {
    std::array<std::byte, 64> message{};
    for (std::size_t i = 0; i < n; ++i) message[i] = static_cast<std::byte>(i);
    return uk::siphash(key, uk::bytes(message).first(n));
}

static_assert(of_length(15) == 0xa129ca6149be45e5);

}  // namespace

TEST_CASE("the authors' vectors") {
    CHECK(of_length(0) == 0x726fdb47dd0e0e31);
    CHECK(of_length(1) == 0x74f839c593dc67fd);
    CHECK(of_length(7) == 0xab0200f58b01d137);
    CHECK(of_length(8) == 0x93f5f5799a932462);
    CHECK(of_length(15) == 0xa129ca6149be45e5);
}

TEST_CASE("both halves of the key and each octet count") {
    const std::array<std::byte, 3> m{std::byte{1}, std::byte{2}, std::byte{3}};
    const auto h = uk::siphash({1, 2}, m);
    CHECK(h != uk::siphash({1, 3}, m));
    CHECK(h != uk::siphash({2, 2}, m));
    CHECK(h != uk::siphash({1, 2}, uk::bytes(m).first(2)));
}
