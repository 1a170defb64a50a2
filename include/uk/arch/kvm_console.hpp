// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/kvm_serial.hpp>
#include <uk/part.hpp>
#include <uk/print.hpp>

#include <string_view>

namespace uk::kvm {

/// The first serial port, 115200 8N1. Octets are sent as they are, so a terminal must turn "\n" into a new line.
struct console : printer<console> {
    using needs = ports<>;
    using provides = ports<port::console>;
    static constexpr std::string_view name = "kvm::console";

    void write(std::string_view text) { serial_write(text); }
};

}  // namespace uk::kvm
