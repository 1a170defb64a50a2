// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/text.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace uk {

namespace detail {

/// Words of a-z, 0-9 and _, separated by single spaces, in five bits for each letter: an image's names of counters are
/// the longest text that it has. Low bits first; the symbols are '_', the end of a word, the letters, and the sign that
/// the next symbol is a digit.
struct word_code {
    static constexpr unsigned bits = 5;
    static constexpr char letters = '_';  // what symbol 0 stands for; 'a' is 2
    static constexpr unsigned end = 1;
    static constexpr unsigned digit = 28;
    static constexpr std::size_t longest = 40;

    static constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

    static consteval bool covers(std::string_view names) {
        std::size_t words = 1, length = 0;
        for (char c : names) {
            const bool ends = c == ' ';
            if (ends ? length == 0 : !is_digit(c) && c != '_' && (c < 'a' || c > 'z')) return false;
            words += ends;
            length = ends ? 0 : length + 1;
            if (length > longest) return false;
        }
        return length != 0 && words < 256;
    }

    /// Calls `put(symbol)` for each symbol of `names`; says how many words there are.
    template <class Put>
    static constexpr std::size_t encode(std::string_view names, Put put) {
        std::size_t words = 1;
        for (char c : names) {
            words += c == ' ';
            if (is_digit(c)) put(digit);
            put(c == ' ' ? end : static_cast<unsigned>(c - (is_digit(c) ? '0' : letters)));
        }
        put(end);
        return words;
    }

    /// One that says how many words there are, the symbols, and one more that may be read.
    static consteval std::size_t octets(std::string_view names) {
        std::size_t symbols = 0;
        encode(names, [&](unsigned) { ++symbols; });
        return 1 + (symbols * bits + 7) / 8 + 1;
    }
};

template <const std::string_view& Names>
inline constexpr auto coded_words = [] {
    static_assert(require<word_code::covers(Names), "uk: names of counters are words of a-z, 0-9 and _, with single "
                                                    "spaces between them.">());
    std::array<std::uint8_t, word_code::octets(Names)> all{};
    std::size_t bit = 8;
    all[0] = static_cast<std::uint8_t>(word_code::encode(Names, [&](unsigned symbol) {
        for (unsigned i = 0; i < word_code::bits; ++i, ++bit) {
            all[bit / 8] = static_cast<std::uint8_t>(all[bit / 8] | (symbol >> i & 1) << bit % 8);
        }
    }));
    return all;
}();

}  // namespace detail

/// What somebody has counted, by cause: `names` has one word for each value, separated by single spaces, of a-z, 0-9
/// and _. A row of numbers and one string, so that printing all counters of a system is one small loop.
class counter_list {
public:
    /// `counted` is a struct of std::uint32_t members only, with `static constexpr std::string_view names` in their
    /// order.
    template <class Counted>
    explicit counter_list(const Counted& counted)
        : counter_list(reinterpret_cast<const std::uint32_t*>(&counted), detail::coded_words<Counted::names>.data()) {
        static_assert(words(Counted::names) * sizeof(std::uint32_t) == sizeof(Counted),
                      "uk: names must have one word for each counter");
    }

    /// `values` begins with one for each word of `Names`.
    template <const std::string_view& Names, std::size_t N>
    static counter_list of(const std::array<std::uint32_t, N>& values) {
        static_assert(words(Names) <= N, "uk: names must have one word for each counter");
        return {values.data(), detail::coded_words<Names>.data()};
    }

    /// Calls `visit(name, value)` for each counter; the name is gone afterwards.
    template <class Visit>
    void each(Visit visit) const {
        using code = detail::word_code;
        std::size_t bit = 8;
        for (std::size_t i = 0; i != names_[0]; ++i) {
            char word[code::longest];
            std::size_t size = 0;
            char zero = code::letters;
            while (true) {
                const unsigned two = names_[bit / 8] | static_cast<unsigned>(names_[bit / 8 + 1]) << 8;
                const unsigned symbol = two >> bit % 8 & 31;
                bit += code::bits;
                if (symbol == code::end && zero == code::letters) break;
                if (symbol == code::digit) {
                    zero = '0';
                    continue;
                }
                word[size++] = static_cast<char>(zero + static_cast<char>(symbol));
                zero = code::letters;
            }
            visit(std::string_view(word, size), values_[i]);
        }
    }

    static consteval std::size_t words(std::string_view names) {
        std::size_t n = 1;
        for (char c : names) n += c == ' ';
        return n;
    }

private:
    counter_list(const std::uint32_t* values, const std::uint8_t* names) : values_(values), names_(names) {}

    const std::uint32_t* values_;
    const std::uint8_t* names_;
};

}  // namespace uk
