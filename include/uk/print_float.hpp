// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/config.hpp>
#include <uk/print.hpp>

// The only header that includes fmt.
#include <fmt/compile.h>

#include <cstddef>

namespace uk {

/// A floating-point number to print, as the shortest decimal form that reads back as the same value:
/// `print("{} degrees", uk::decimal(21.5))`. A header of its own, since few systems print such numbers and fmt's tables
/// for it cost about 5 KB. For hosted programs: in an image fmt would want a heap, so there it does not link.
struct decimal {
    double value;
    constexpr explicit decimal(double v) : value(v) {}
};

template <text_sink Sink>
void put(Sink& out, decimal d) {
    char text[48];
    const char* end = fmt::format_to(text, FMT_COMPILE("{}"), d.value);
    out.write({text, static_cast<std::size_t>(end - text)});
}

}  // namespace uk
