// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace uk {

/// The secret of a keyed hash. From port::entropy, never from time alone.
struct siphash_key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

namespace detail {

struct siphash_state {
    std::uint64_t a, b, c, d;

    constexpr void rounds(unsigned n) {
        for (; n != 0; --n) {
            a += b;
            c += d;
            b = std::rotl(b, 13) ^ a;
            d = std::rotl(d, 16) ^ c;
            a = std::rotl(a, 32);
            c += b;
            a += d;
            b = std::rotl(b, 17) ^ c;
            d = std::rotl(d, 21) ^ a;
            c = std::rotl(c, 32);
        }
    }
};

}  // namespace detail

/// SipHash-2-4 (Aumasson and Bernstein, 2012) of `message`: without the key nobody can predict it or find collisions.
/// For tables that strangers fill and for numbers that they must not guess.
constexpr std::uint64_t siphash(const siphash_key& key, bytes message) {
    detail::siphash_state s{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d,
                            key.first ^ 0x6c7967656e657261, key.second ^ 0x7465646279746573};
    const std::size_t whole = message.size() / 8 * 8;
    for (std::size_t at = 0; at <= whole; at += 8) {
        std::uint64_t word = at == whole ? static_cast<std::uint64_t>(message.size()) << 56 : 0;
        for (std::size_t i = at; i < message.size() && i < at + 8; ++i) {
            word |= std::to_integer<std::uint64_t>(message[i]) << (8 * (i % 8));
        }
        s.d ^= word;
        s.rounds(2);
        s.a ^= word;
    }
    s.c ^= 0xff;
    s.rounds(4);
    return s.a ^ s.b ^ s.c ^ s.d;
}

}  // namespace uk
