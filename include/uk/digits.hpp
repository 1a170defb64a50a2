// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace uk {

/// The digits of `value` in base 2 to 16, lower case, at least `least` of them, at most 64.
class digits {
public:
    constexpr explicit digits(std::uint64_t value, unsigned base = 10, std::size_t least = 1) {
        do {
            characters_[--begin_] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        while (sizeof(characters_) - begin_ < least && begin_ != 0) characters_[--begin_] = '0';
    }
    constexpr std::string_view view() const { return {characters_ + begin_, sizeof(characters_) - begin_}; }

private:
    char characters_[64];
    std::size_t begin_ = sizeof(characters_);
};

}  // namespace uk
