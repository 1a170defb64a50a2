// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace uk {

/// What somebody has counted, by cause: `names` has one word for each value, separated by single spaces, and ends with
/// a NUL, as a literal does. One string and a row of numbers, so that printing all counters of a system is one small
/// loop.
class counter_list {
public:
    /// `counted` is a struct of std::uint32_t members only, with `static constexpr std::string_view names` in their
    /// order.
    template <class Counted>
    explicit counter_list(const Counted& counted)
        : values_(reinterpret_cast<const std::uint32_t*>(&counted)), names_(Counted::names.data()) {
        static_assert(words(Counted::names) * sizeof(std::uint32_t) == sizeof(Counted),
                      "uk: names must have one word for each counter");
    }
    counter_list(std::span<const std::uint32_t> values, std::string_view names)
        : values_(values.data()), names_(names.data()) {}

    /// Calls `visit(name, value)` for each counter.
    template <class Visit>
    void each(Visit visit) const {
        const std::uint32_t* value = values_;
        for (const char* name = names_; *name != '\0';) {
            const char* end = name;
            while (*end != '\0' && *end != ' ') ++end;
            visit(std::string_view(name, end), *value++);
            name = *end == ' ' ? end + 1 : end;
        }
    }

    static consteval std::size_t words(std::string_view names) {
        std::size_t n = 1;
        for (char c : names) n += c == ' ';
        return n;
    }

private:
    // Two pointers: handed on in registers.
    const std::uint32_t* values_;
    const char* names_;
};

}  // namespace uk
