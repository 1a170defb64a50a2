// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/port.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace uk::kvm {

namespace detail {

/// Reads from the front of `rest`; `good` until something was not there.
struct number_reader {
    std::string_view rest;
    bool good = true;

    constexpr bool take(char c) {
        if (!rest.starts_with(c)) return false;
        rest.remove_prefix(1);
        return true;
    }
    constexpr void expect(char c) { good &= take(c); }

    /// A number of at most `most`: decimal, or hexadecimal after 0x.
    constexpr std::uint64_t number(std::uint64_t most) {
        unsigned base = 10;
        if (rest.starts_with("0x")) {
            base = 16;
            rest.remove_prefix(2);
        }
        std::uint64_t value = 0;
        const std::size_t before = rest.size();
        for (; !rest.empty(); rest.remove_prefix(1)) {
            const unsigned c = static_cast<unsigned char>(rest.front());
            unsigned digit = c - '0';
            const unsigned letter = (c | 0x20) - 'a';
            if (digit > 9) digit = letter < 6 ? letter + 10 : 16;
            if (digit >= base) break;
            if (value > (most - digit) / base) good = false;
            value = value * base + digit;
        }
        good &= rest.size() != before;
        return value;
    }
};

}  // namespace detail

/// `SIZE@BASE:IRQ`, with an optional K or M after the size and `:ID` at the end, as in Linux's virtio_mmio.device
/// parameter. Nothing unless the window is at least the registers' 0x100 octets, at most 2 MiB, and lies aligned to 4
/// below 2^46.
constexpr std::optional<mmio_slot> parse_mmio_slot(std::string_view text) {
    constexpr std::uint64_t least = 0x100, most = 2 << 20;
    detail::number_reader in{text};
    std::uint64_t size = in.number(most);
    size <<= in.take('K') ? 10 : in.take('M') ? 20 : 0;
    in.expect('@');
    const std::uint64_t base = in.number((std::uint64_t{1} << 46) - 1);
    in.expect(':');
    const std::uint64_t irq = in.number(0xff);
    if (in.take(':')) in.number(~std::uint64_t{0});
    if (!in.good || !in.rest.empty() || size < least || size > most || base % 4 != 0) return {};
    return mmio_slot{base, static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(irq)};
}

/// The virtio-mmio windows that the loader appended to the kernel command line, malformed ones left out; how many were
/// written to `out`.
constexpr std::size_t parse_mmio_slots(std::string_view line, std::span<mmio_slot> out) {
    constexpr std::string_view key = "virtio_mmio.device=";
    std::size_t count = 0;
    while (!line.empty() && count != out.size()) {
        const std::string_view word = line.substr(0, line.find(' '));
        line.remove_prefix(word.size() == line.size() ? word.size() : word.size() + 1);
        if (!word.starts_with(key)) continue;
        if (const auto slot = parse_mmio_slot(word.substr(key.size()))) out[count++] = *slot;
    }
    return count;
}

}  // namespace uk::kvm
