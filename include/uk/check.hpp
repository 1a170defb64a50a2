// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <source_location>
#include <string_view>

/// The platform's last words: prints reason, file, line and a backtrace, then stops the machine with status 127.
/// One definition per platform, in src/boot/.
extern "C" [[noreturn]] void uk_panic(const char* reason, std::size_t size, const char* file, unsigned line);

/// Ends the machine (or process) with `status`, 0 for success. One definition per platform, in src/boot/.
extern "C" [[noreturn]] void uk_stop(int status);

namespace uk {

/// Stops the machine because of a bug in the program. Never for bad input: that is counted and dropped.
[[noreturn, gnu::cold, gnu::noinline]] inline void panic(
    std::string_view reason, std::source_location where = std::source_location::current()) {
    uk_panic(reason.data(), reason.size(), where.file_name(), where.line());
}

/// Panics unless `holds`: an invariant of our own code.
constexpr void check(bool holds, std::string_view reason,
                     std::source_location where = std::source_location::current()) {
    if (!holds) [[unlikely]] panic(reason, where);
}

}  // namespace uk
