// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace uk {

/// A sum of 16-bit words with its carries added again, until there are none (RFC 1071 section 1).
constexpr std::uint16_t fold_sum(std::uint64_t sum) {
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

/// The ones' complement sum of `piece` as 16-bit words in network order, an odd last octet with a zero behind it: what
/// the internet checksum is the complement of (RFC 1071). Any length and alignment.
template <bool Small = config::small>
constexpr std::uint16_t ones_sum(bytes piece) {
    if (std::is_constant_evaluated()) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < piece.size(); ++i) {
            sum += std::to_integer<std::uint64_t>(piece[i]) << (i % 2 == 0 ? 8 : 0);
        }
        return fold_sum(sum);
    }
    // The order of octets in a word does not matter until the end (RFC 1071 section 2 (B)): words of 32 bits are added
    // as they lie in memory, so that no carry is lost, and the folded sum is swapped once. For speed words of 64 bits,
    // whose carries are counted.
    const std::byte* at = piece.data();
    std::size_t left = piece.size();
    std::uint64_t sum = 0;
    std::uint32_t word = 0;
    if constexpr (!Small) {
        std::uint64_t carries = 0;
        const auto add = [&](std::size_t offset) {
            std::uint64_t wide = 0;
            std::memcpy(&wide, at + offset, 8);
            sum += wide;
            carries += sum < wide;
        };
        for (; left >= 32; at += 32, left -= 32) add(0), add(8), add(16), add(24);
        for (; left >= 8; at += 8, left -= 8) add(0);
        sum = (sum & 0xffffffff) + (sum >> 32) + carries;
    }
    for (; left >= 4; at += 4, left -= 4) {
        std::memcpy(&word, at, 4);
        sum += word;
    }
    word = 0;
    if constexpr (Small) {
        if (left != 0) std::memcpy(&word, at, left);
    } else {
        if (left >= 2) std::memcpy(&word, at, 2);
        sum += word;
        word = 0;
        if (left % 2 != 0) std::memcpy(&word, at + left - 1, 1);
    }
    const std::uint16_t folded = fold_sum(sum + word);
    return std::endian::native == std::endian::little ? detail::swapped(folded) : folded;
}

}  // namespace uk
