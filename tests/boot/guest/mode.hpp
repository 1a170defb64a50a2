// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/kvm_bus.hpp>

#include <string_view>

/// What the guest is to do: the first word of the kernel command line.
inline std::string_view mode() {
    const std::string_view line = uk_command_line;
    return line.substr(0, line.find(' '));
}
