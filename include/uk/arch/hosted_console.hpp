// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>
#include <uk/print.hpp>

#include <string_view>

#include <unistd.h>

namespace uk::hosted {

/// Standard output.
struct console : printer<console> {
    using needs = ports<>;
    using provides = ports<port::console>;
    static constexpr std::string_view name = "hosted::console";

    void write(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
            if (n <= 0) return;  // nobody reads any more
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }
};

}  // namespace uk::hosted
