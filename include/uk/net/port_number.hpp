// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace uk::net {

namespace detail {
// Never defined: where a compiler has no diagnose_if, calling it is the compile error, with its name as the sentence.
void uk_a_port_number_is_from_1_to_65535();
}  // namespace detail

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgcc-compat"
#endif

/// The number of a TCP or UDP port, 1 to 65535, known at compile time: a literal out of range does not compile.
/// Functions take it where a user writes the number: `serve(os, 80, ...)`.
class port_number {
public:
    consteval port_number(int number)
#if defined(__clang__)
        __attribute__((diagnose_if(number < 1 || number > 65535,
                                   "uk::net: a port number is from 1 to 65535; port 0 is no place to listen.",
                                   "error")))
#endif
        : value_(static_cast<std::uint16_t>(number)) {
#if !defined(__clang__)
        if (number < 1 || number > 65535) detail::uk_a_port_number_is_from_1_to_65535();
#endif
    }

    constexpr std::uint16_t value() const { return value_; }

private:
    std::uint16_t value_;
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace uk::net
