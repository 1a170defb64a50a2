// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/digits.hpp>
#include <uk/text.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace uk {

/// Anything that text can be written to: `write(std::string_view)`.
template <class T>
concept text_sink = requires(T& t, std::string_view s) { t.write(s); };

/// `put(sink, value)` writes one value; a type of yours is printed by an overload beside it.
template <text_sink Sink>
void put(Sink& out, std::string_view s) {
    out.write(s);
}
template <text_sink Sink>
void put(Sink& out, char c) {
    out.write({&c, 1});
}
template <text_sink Sink>
void put(Sink& out, bool b) {
    out.write(b ? "true" : "false");
}
template <text_sink Sink, std::integral Integer>
    requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>)
void put(Sink& out, Integer value) {
    auto magnitude = static_cast<std::uint64_t>(value);
    if (value < 0) {
        out.write("-");
        magnitude = 0 - magnitude;
    }
    out.write(digits(magnitude).view());
}
template <text_sink Sink>
void put(Sink& out, ip4_address a) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        if (shift != 24) out.write(".");
        put(out, a.value >> shift & 0xff);
    }
}
template <text_sink Sink>
void put(Sink& out, const mac& a) {
    for (std::size_t i = 0; i < 6; ++i) {
        if (i != 0) out.write(":");
        out.write(digits(a.octets[i], 16, 2).view());
    }
}

/// A number in hexadecimal, lower case, at least `least` digits: `print("at {}", uk::hex(address))`.
struct hex {
    std::uint64_t value;
    std::size_t least = 1;
    constexpr explicit hex(std::uint64_t v, std::size_t l = 1) : value(v), least(l) {}
};
template <text_sink Sink>
void put(Sink& out, hex h) {
    out.write(digits(h.value, 16, h.least).view());
}

namespace detail {

// Never defined: reaching it while a format is checked is the compile error, with its name as the reason.
void uk_print_needs_one_pair_of_braces_for_each_argument();

template <class... Args>
struct format_of {
    const char* text;
    std::size_t ends[sizeof...(Args) + 1]{};  // of the pieces between the holes; known where `print` is inlined

    template <std::size_t N>
    consteval format_of(const char (&literal)[N]) : text(literal) {
        std::size_t holes = 0;
        for (std::size_t i = 0; i + 2 < N; ++i) {
            if (literal[i] != '{' || literal[i + 1] != '}') continue;
            if (holes == sizeof...(Args)) uk_print_needs_one_pair_of_braces_for_each_argument();
            ends[holes++] = i;
        }
        if (holes != sizeof...(Args)) uk_print_needs_one_pair_of_braces_for_each_argument();
        ends[holes] = N - 1;
    }

    constexpr std::string_view piece(std::size_t i) const {
        const std::size_t begin = i == 0 ? 0 : ends[i - 1] + 2;
        return {text + begin, ends[i] - begin};
    }
};

}  // namespace detail

/// Writes `format` with each `{}` replaced by the next argument. A wrong number of arguments does not compile.
template <text_sink Sink, class... Args>
void print(Sink& out, std::type_identity_t<detail::format_of<Args...>> format, const Args&... args) {
    [[maybe_unused]] std::size_t i = 0;
    ((out.write(format.piece(i++)), put(out, args)), ...);
    out.write(format.piece(sizeof...(Args)));
}

/// Gives a console its `print`: `struct my_console : uk::printer { void write(std::string_view); ... };`
template <class Console>
struct printer {
    template <class... Args>
    void print(std::type_identity_t<detail::format_of<Args...>> format, const Args&... args) {
        uk::print(static_cast<Console&>(*this), format, args...);
    }
};

/// Text into fixed memory; what does not fit is cut off, and `overflowed` says so.
class text_buffer {
public:
    explicit constexpr text_buffer(char* memory, std::size_t capacity) : memory_(memory), capacity_(capacity) {}

    constexpr void write(std::string_view s) {
        for (char c : s) {
            if (size_ == capacity_) {
                overflowed_ = true;
                return;
            }
            memory_[size_++] = c;
        }
    }
    constexpr std::string_view view() const { return {memory_, size_}; }
    constexpr bool overflowed() const { return overflowed_; }

private:
    char* memory_;
    std::size_t capacity_;
    std::size_t size_ = 0;
    bool overflowed_ = false;
};

}  // namespace uk
