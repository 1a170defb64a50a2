// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/part.hpp>

#include <string_view>

#include <sys/random.h>

namespace uk::hosted {

/// The kernel's random number generator.
struct entropy {
    using needs = ports<>;
    using provides = ports<port::entropy>;
    static constexpr std::string_view name = "hosted::entropy";

    bool fill(writable_bytes out) {
        while (!out.empty()) {
            const ssize_t n = ::getrandom(out.data(), out.size(), 0);
            if (n <= 0) return false;
            out = out.subspan(static_cast<std::size_t>(n));
        }
        return true;
    }
};

}  // namespace uk::hosted
