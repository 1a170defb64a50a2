// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace uk {

/// What somebody has counted, by cause: `names` has one word for each value, separated by single spaces. One string and
/// a row of numbers, so that printing all counters of a system is one small loop.
class counter_list {
public:
    /// `counted` is a struct of std::uint32_t members only, with `static constexpr std::string_view names` in their
    /// order.
    template <class Counted>
    explicit counter_list(const Counted& counted)
        : counter_list({reinterpret_cast<const std::uint32_t*>(&counted), sizeof(Counted) / sizeof(std::uint32_t)},
                       Counted::names) {
        static_assert(words(Counted::names) * sizeof(std::uint32_t) == sizeof(Counted),
                      "uk: names must have one word for each counter");
    }
    counter_list(std::span<const std::uint32_t> values, std::string_view names) : values_(values), names_(names) {}

    /// Calls `visit(name, value)` for each counter.
    template <class Visit>
    void each(Visit visit) const {
        std::string_view rest = names_;
        for (const std::uint32_t value : values_) {
            const std::size_t end = rest.find(' ');
            visit(rest.substr(0, end), value);
            rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        }
    }

    static consteval std::size_t words(std::string_view names) {
        std::size_t n = 1;
        for (char c : names) n += c == ' ';
        return n;
    }

private:
    std::span<const std::uint32_t> values_;
    std::string_view names_;
};

}  // namespace uk
