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

/// Takes a number from the front of `text`: decimal, or hexadecimal after 0x. Nothing if there is none or it passes
/// 64 bits.
constexpr std::optional<std::uint64_t> take_number(std::string_view& text) {
    const bool is_hex = text.starts_with("0x");
    const std::uint64_t base = is_hex ? 16 : 10;
    if (is_hex) text.remove_prefix(2);
    std::uint64_t value = 0;
    std::size_t used = 0;
    for (; used != text.size(); ++used) {
        const char c = text[used];
        const char lower = static_cast<char>(c | 0x20);
        std::uint64_t digit = 16;
        if (c >= '0' && c <= '9') digit = static_cast<std::uint64_t>(c - '0');
        if (lower >= 'a' && lower <= 'f') digit = static_cast<std::uint64_t>(lower - 'a' + 10);
        if (digit >= base) break;
        if (value > (~std::uint64_t{0} - digit) / base) return {};
        value = value * base + digit;
    }
    text.remove_prefix(used);
    if (used == 0) return {};
    return value;
}

constexpr bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace detail

/// `SIZE@BASE:IRQ`, with an optional K or M after the size and `:ID` at the end, as in Linux's virtio_mmio.device
/// parameter. Nothing unless the window is at least the registers' 0x100 octets, at most 2 MiB, and lies aligned to 4
/// below 2^46.
constexpr std::optional<mmio_slot> parse_mmio_slot(std::string_view text) {
    constexpr std::uint64_t least = 0x100, most = 2 << 20;
    auto size = detail::take_number(text);
    if (!size || *size > most) return {};
    if (detail::take(text, 'K')) *size <<= 10;
    else if (detail::take(text, 'M')) *size <<= 20;
    if (*size < least || *size > most || !detail::take(text, '@')) return {};
    const auto base = detail::take_number(text);
    if (!base || *base % 4 != 0 || *base >> 46 != 0 || !detail::take(text, ':')) return {};
    const auto irq = detail::take_number(text);
    if (!irq || *irq > 0xff) return {};
    if (detail::take(text, ':') && !detail::take_number(text)) return {};
    if (!text.empty()) return {};
    return mmio_slot{*base, static_cast<std::uint32_t>(*size), static_cast<std::uint32_t>(*irq)};
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
