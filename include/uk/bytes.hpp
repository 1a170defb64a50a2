// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace uk {

using bytes = std::span<const std::byte>;
using writable_bytes = std::span<std::byte>;

/// Memory whose contents mean nothing until somebody writes them: neither zeroed nor copied.
template <std::size_t N>
struct alignas(16) raw_memory {
    raw_memory() {}  // NOLINT: leaves the octets as they are
    writable_bytes all() { return octets; }
    std::byte octets[N];
};

namespace detail {
template <std::unsigned_integral T>
constexpr T swapped(T value) {
    if constexpr (sizeof(T) == 8) {
        return __builtin_bswap64(value);
    } else if constexpr (sizeof(T) == 4) {
        return __builtin_bswap32(value);
    } else if constexpr (sizeof(T) == 2) {
        return __builtin_bswap16(value);
    } else {
        return value;
    }
}
}  // namespace detail

/// The integer of type `T` in network order at `at`, which need not be aligned. The caller has checked the bounds.
template <std::unsigned_integral T>
constexpr T load_be(const std::byte* at) {
    if consteval {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            value = static_cast<T>(value | std::to_integer<T>(at[i]) << (8 * (sizeof(T) - 1 - i)));
        }
        return value;
    }
    T value;
    std::memcpy(&value, at, sizeof value);
    return std::endian::native == std::endian::big ? value : detail::swapped(value);
}

template <std::unsigned_integral T>
constexpr void store_be(std::byte* at, T value) {
    if consteval {
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            at[i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
        }
        return;
    }
    if constexpr (std::endian::native != std::endian::big) value = detail::swapped(value);
    std::memcpy(at, &value, sizeof value);
}

/// The characters of `s` as octets.
inline bytes as_bytes(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }

/// The octets of `b` as characters.
inline std::string_view as_text(bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

/// Copies the shorter of the two lengths; says how many octets that was. Ranges do not overlap.
[[gnu::noinline]] inline std::size_t copy(writable_bytes to, bytes from) {
    const std::size_t n = to.size() < from.size() ? to.size() : from.size();
    if (n != 0) std::memcpy(to.data(), from.data(), n);
    return n;
}

}  // namespace uk
