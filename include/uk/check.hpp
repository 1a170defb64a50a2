// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/config.hpp>

/// The platform's last words: prints reason, place and a backtrace, then stops the machine with status 127. In an image
/// `file` is null: the place is the first address of the backtrace, which the run tool turns into file and line. One
/// definition per platform, in src/boot/.
extern "C" [[noreturn]] void uk_panic(const char* reason, const char* file, unsigned line);

/// Ends the machine (or process) with `status`, 0 for success. One definition per platform, in src/boot/.
extern "C" [[noreturn]] void uk_stop(int status);

namespace uk {

/// Stops the machine because of a bug in the program. Never for bad input: that is counted and dropped.
// Not std::source_location: its function names would be in the image.
[[noreturn, gnu::cold]] inline void panic(const char* reason, const char* file = __builtin_FILE(),
                                          unsigned line = __builtin_LINE()) {
    if constexpr (config::image) {
        uk_panic(reason, nullptr, 0);
    } else {
        uk_panic(reason, file, line);
    }
}

/// Panics unless `holds`: an invariant of our own code.
constexpr void check(bool holds, const char* reason, const char* file = __builtin_FILE(),
                     unsigned line = __builtin_LINE()) {
    if (!holds) [[unlikely]]
        panic(reason, file, line);
}

}  // namespace uk
