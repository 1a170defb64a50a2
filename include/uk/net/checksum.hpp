// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace uk::net {

namespace detail {

constexpr std::uint16_t swapped(std::uint16_t v) { return static_cast<std::uint16_t>(v << 8 | v >> 8); }

constexpr std::uint16_t fold(std::uint64_t sum) {
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// The order of octets in a word does not matter until the end (RFC 1071 section 2 (B)): words of 32 bits are added
// as they lie in memory, so that no carry is lost, and the folded sum is swapped once. For speed words of 64 bits,
// whose carries are counted.
template <bool Small = config::small>
inline std::uint16_t sum_of_words(const std::byte* at, std::size_t left) {
    std::uint64_t sum = 0;
    std::uint32_t word;
    if constexpr (!Small) {
        std::uint64_t carries = 0;
        const auto add = [&](std::size_t offset) {
            std::uint64_t wide;
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
    const std::uint16_t folded = fold(sum + word);
    return std::endian::native == std::endian::little ? swapped(folded) : folded;
}

}  // namespace detail

/// The internet checksum (RFC 1071) of several pieces of octets in a row, each of any length and alignment. Over data
/// that contains its own right checksum, `value()` is 0.
class checksum {
public:
    constexpr checksum() = default;

    /// The next octets.
    constexpr checksum& add(bytes piece) {
        std::uint16_t sum = sum_of(piece);
        // A piece that begins at an odd offset has its octets in the other half of the words (RFC 1071 section 2 (B)).
        if (odd_) sum = detail::swapped(sum);
        odd_ ^= piece.size() % 2 != 0;
        sum_ += sum;
        return *this;
    }

    /// The next two octets, as a number in network order. The octets before are even in number.
    constexpr checksum& add(std::uint16_t word) {
        sum_ += word;
        return *this;
    }
    constexpr checksum& add(ip4_address a) {
        sum_ += (a.value >> 16) + (a.value & 0xffff);
        return *this;
    }

    /// What is to be stored, in network order, where the octets summed held 0.
    constexpr std::uint16_t value() const { return static_cast<std::uint16_t>(~detail::fold(sum_)); }

    /// The sum so far, as the field holds it for a card that adds the rest.
    constexpr std::uint16_t partial() const { return detail::fold(sum_); }

private:
    static constexpr std::uint16_t sum_of(bytes piece) {
        if (std::is_constant_evaluated()) {
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < piece.size(); ++i) {
                sum += std::to_integer<std::uint64_t>(piece[i]) << (i % 2 == 0 ? 8 : 0);
            }
            return detail::fold(sum);
        }
        return detail::sum_of_words(piece.data(), piece.size());
    }

    std::uint64_t sum_ = 0;
    bool odd_ = false;
};

/// The checksum of one piece.
[[gnu::noinline]] constexpr std::uint16_t checksum_of(bytes piece) { return checksum().add(piece).value(); }

/// The sum begun with the pseudo-header of UDP (RFC 768) and TCP (RFC 9293 section 3.1): `length` is that of their
/// header and payload.
[[gnu::noinline]] constexpr checksum pseudo_header(ip4_address from, ip4_address to, std::uint8_t protocol,
                                                   std::size_t length) {
    return checksum().add(from).add(to).add(std::uint16_t{protocol}).add(static_cast<std::uint16_t>(length));
}

}  // namespace uk::net
