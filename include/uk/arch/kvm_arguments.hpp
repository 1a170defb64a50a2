// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/kvm_command_line.hpp>
#include <uk/part.hpp>

#include <cstddef>
#include <string_view>

namespace uk::kvm {

/// The words of the kernel command line, of its first 511 octets: QEMU's `-append "one two"`.
struct arguments {
    using needs = ports<>;
    using provides = ports<port::arguments>;
    static constexpr std::string_view name = "kvm::arguments";

    std::string_view argument(std::size_t i) { return parse_argument(uk_command_line, i); }
};

}  // namespace uk::kvm
