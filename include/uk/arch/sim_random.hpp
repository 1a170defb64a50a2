// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <cstdint>

namespace uk::sim {

/// A repeatable sequence from a seed: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Whole numbers
/// only, so that every compiler and library sees the same. `stream` separates users of one seed from each other: what
/// one draws does not change what the others see.
class random {
public:
    explicit constexpr random(std::uint64_t seed, std::uint64_t stream = 0) {
        std::uint64_t at = seed ^ mix(stream + 0x9e3779b97f4a7c15);
        for (std::uint64_t& word : state_) word = mix(at += 0x9e3779b97f4a7c15);
    }

    constexpr std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    /// 0 to `n` - 1; `n` is not 0.
    constexpr std::uint32_t below(std::uint32_t n) {
        return static_cast<std::uint32_t>((next() >> 32) * n >> 32);
    }

    /// `least` to `most`, both included.
    constexpr std::uint32_t between(std::uint32_t least, std::uint32_t most) {
        return least + below(most - least + 1);
    }

    /// `least` to `most`, small ones as likely as large ones: the number of digits is drawn first. `least` is not 0.
    constexpr std::uint64_t magnitude(std::uint64_t least, std::uint64_t most) {
        const auto low = static_cast<std::uint32_t>(std::bit_width(least));
        const auto high = static_cast<std::uint32_t>(std::bit_width(most));
        const std::uint64_t top = std::uint64_t{1} << (between(low, high) - 1);
        const std::uint64_t value = top + (next() >> 1) % top;
        return value < least ? least : value > most ? most : value;
    }

    /// True `per_million` times in a million.
    constexpr bool chance(std::uint32_t per_million) { return per_million != 0 && below(1'000'000) < per_million; }

    /// A number that looks random, always the same for `value`: the finalizer of splitmix64.
    static constexpr std::uint64_t mix(std::uint64_t value) {
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
        value = (value ^ value >> 27) * 0x94d049bb133111eb;
        return value ^ value >> 31;
    }

private:
    std::uint64_t state_[4]{};
};

}  // namespace uk::sim
