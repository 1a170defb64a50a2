// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/x86.hpp>

#include <cstdint>
#include <string_view>

namespace uk::kvm {

/// Port of the first 16550, which the boot sets to 115200 8N1 with FIFOs.
inline constexpr std::uint16_t serial_port = 0x3f8;

/// How often the line status is read before a character is sent regardless: longer than a full FIFO takes to drain
/// (1.4 ms), and the end of the wait where the port does not work.
inline constexpr unsigned serial_patience = 0x10000;

/// Sends the octets as they are: a line ends with "\n" as in every other target. Shared by the console part and by the
/// panic, which must work before and without it.
[[gnu::noinline]] inline void serial_write(std::string_view text) {
    for (const char c : text) {
        for (unsigned left = serial_patience; left != 0 && (x86::in8(serial_port + 5) & 0x20) == 0; --left) {
            x86::pause();
        }
        x86::out8(serial_port, static_cast<std::uint8_t>(c));
    }
}

}  // namespace uk::kvm
