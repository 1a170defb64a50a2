// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/ones_sum.hpp>

#include <cstddef>
#include <cstdint>

namespace uk::net {

/// The internet checksum (RFC 1071) of several pieces of octets in a row, each of any length and alignment. Over data
/// that contains its own right checksum, `value()` is 0.
class checksum {
public:
    constexpr checksum() = default;

    /// The next octets.
    constexpr checksum& add(bytes piece) {
        std::uint16_t sum = ones_sum(piece);
        // A piece that begins at an odd offset has its octets in the other half of the words (RFC 1071 section 2 (B)).
        if (odd_) sum = uk::detail::swapped(sum);
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
    constexpr std::uint16_t value() const { return static_cast<std::uint16_t>(~fold_sum(sum_)); }

    /// The sum so far, as the field holds it for a card that adds the rest.
    constexpr std::uint16_t partial() const { return fold_sum(sum_); }

private:
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
