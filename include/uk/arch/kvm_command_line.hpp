// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/port.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// The kernel command line, cut off at 511 octets, zero-terminated; copied by src/boot/kvm/command_line.S.
extern "C" const char uk_command_line[512];

namespace uk::kvm {

namespace detail {

/// A place in a text, before `end`.
struct command_line_reader {
    const char* at;
    const char* end;

    constexpr explicit command_line_reader(std::string_view text) : at(text.data()), end(at + text.size()) {}

    constexpr bool at_end() const { return at == end; }
    /// Zero at the end.
    constexpr char next() const { return at_end() ? '\0' : *at; }

    [[gnu::noinline]] constexpr bool take(char c) {
        if (next() != c) return false;
        ++at;
        return true;
    }

    /// Decimal, or hexadecimal after 0x. False if there is none or it passes 64 bits.
    [[gnu::noinline]] constexpr bool number(std::uint64_t& value) {
        std::uint64_t base = 10;
        value = 0;
        bool any = take('0');
        if (any && take('x')) {
            base = 16;
            any = false;
        }
        while (true) {
            unsigned digit = static_cast<unsigned char>(next()) - unsigned{'0'};
            if (digit > 9) {
                const unsigned letter = ((digit + '0') | 0x20) - 'a';
                digit = letter < 6 ? letter + 10 : 16;
            }
            if (digit >= base) return any;
            if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value)) {
                return false;
            }
            any = true;
            ++at;
        }
    }

    /// `SIZE@BASE:IRQ`, see parse_mmio_slot(); what follows is for the caller to look at.
    constexpr bool slot(mmio_slot& out) {
        constexpr std::uint64_t least = 0x100, most = 2 << 20;
        std::uint64_t size = 0, id = 0, irq = 0;
        if (!number(size) || size > most) return false;
        if (take('K')) size <<= 10;
        if (take('M')) size <<= 20;
        if (size < least || size > most || !take('@')) return false;
        if (!number(out.base) || (out.base & (~std::uint64_t{0} << 46 | 3)) != 0 || !take(':')) return false;
        if (!number(irq) || irq > 0xff) return false;
        out.size = static_cast<std::uint32_t>(size);
        out.irq = static_cast<std::uint32_t>(irq);
        return !take(':') || number(id);
    }
};

}  // namespace detail

/// `SIZE@BASE:IRQ`, with an optional K or M after the size and `:ID` at the end, as in Linux's virtio_mmio.device
/// parameter. Nothing unless the window is at least the registers' 0x100 octets, at most 2 MiB, and lies aligned to 4
/// below 2^46.
constexpr std::optional<mmio_slot> parse_mmio_slot(std::string_view text) {
    detail::command_line_reader in(text);
    mmio_slot slot;
    if (!in.slot(slot) || !in.at_end()) return {};
    return slot;
}

/// The virtio-mmio windows that the loader appended to the kernel command line, malformed ones left out; how many were
/// written to `out`.
constexpr std::size_t parse_mmio_slots(std::string_view line, std::span<mmio_slot> out) {
    detail::command_line_reader in(line);
    std::size_t count = 0;
    while (!in.at_end() && count != out.size()) {
        const char* key = "virtio_mmio.device=";
        while (*key != '\0' && in.take(*key)) ++key;
        if (*key == '\0' && in.slot(out[count]) && (in.at_end() || in.next() == ' ')) ++count;
        while (!in.at_end() && !in.take(' ')) ++in.at;
    }
    return count;
}

/// The word number `i` of a kernel command line, but for those that a loader appended to name its devices; empty beyond
/// the last.
constexpr std::string_view parse_argument(std::string_view line, std::size_t i) {
    while (!line.empty()) {
        const std::string_view word = line.substr(0, line.find(' '));
        if (!word.empty() && !word.starts_with("virtio_mmio.") && i-- == 0) return word;
        line.remove_prefix(word.size() < line.size() ? word.size() + 1 : word.size());
    }
    return {};
}

}  // namespace uk::kvm
