// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fips {

__extension__ typedef unsigned __int128 wide;

// Section 4.2.2: the first 32 bits of the fractions of the cube roots of the first 64 primes, that is the integer cube
// root of p * 2^96; section 5.3.3 takes square roots in the same way.
consteval std::uint32_t root(unsigned prime, unsigned power) {
    const wide of = wide{prime} << 32 * power;
    wide low = 0, high = wide{1} << 35;
    while (high - low > 1) {
        const wide middle = (low + high) / 2;
        const wide raised = power == 2 ? middle * middle : middle * middle * middle;
        (raised <= of ? low : high) = middle;
    }
    return static_cast<std::uint32_t>(low);
}

template <std::size_t N>
consteval std::array<std::uint32_t, N> roots(unsigned power) {
    std::array<std::uint32_t, N> all{};
    unsigned prime = 2;
    for (std::uint32_t& one : all) {
        one = root(prime, power);
        bool found = false;
        while (!found) {
            ++prime;
            found = true;
            for (unsigned d = 2; d * d <= prime; ++d) found = found && prime % d != 0;
        }
    }
    return all;
}

}  // namespace fips

/// SHA-256 (FIPS 180-4) of what is added, so that a test can compare with a digest that the peer computed.
class sha256 {
public:
    void add(uk::bytes text) {
        total_ += text.size();
        while (!text.empty()) {
            const std::size_t n = std::min(text.size(), block_.size() - held_);
            uk::copy(uk::writable_bytes(block_).subspan(held_), text.first(n));
            text = text.subspan(n);
            held_ += n;
            if (held_ == block_.size()) compress();
        }
    }

    /// Nothing may be added afterwards.
    const std::array<std::uint32_t, 8>& digest() {
        const std::uint64_t bits = total_ * 8;
        static constexpr std::array<std::byte, 64> padding{std::byte{0x80}};
        add(uk::bytes(padding).first(held_ < 56 ? 56 - held_ : 120 - held_));
        std::array<std::byte, 8> size;
        uk::store_be(size.data(), bits);
        add(size);
        return state_;
    }

private:
    void compress() {
        held_ = 0;
        std::array<std::uint32_t, 64> w;
        for (std::size_t i = 0; i < 16; ++i) w[i] = uk::load_be<std::uint32_t>(block_.data() + 4 * i);
        for (std::size_t i = 16; i < 64; ++i) {
            const std::uint32_t x = w[i - 15], y = w[i - 2];
            w[i] = w[i - 16] + (std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3) + w[i - 7] +
                   (std::rotr(y, 17) ^ std::rotr(y, 19) ^ y >> 10);
        }
        auto [a, b, c, d, e, f, g, h] = state_;
        for (std::size_t i = 0; i < 64; ++i) {
            const std::uint32_t one = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                                      ((e & f) ^ (~e & g)) + constants[i] + w[i];
            const std::uint32_t two =
                (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g;
            g = f;
            f = e;
            e = d + one;
            d = c;
            c = b;
            b = a;
            a = one + two;
        }
        const std::array<std::uint32_t, 8> step{a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) state_[i] += step[i];
    }

    static constexpr auto constants = fips::roots<64>(3);

    std::array<std::uint32_t, 8> state_ = fips::roots<8>(2);
    std::array<std::byte, 64> block_;
    std::size_t held_ = 0;
    std::uint64_t total_ = 0;
};
