// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string_view>

namespace uk {

/// A string as a value of a type: names of targets, computed diagnostics. `N` counts the terminating zero.
template <std::size_t N>
struct text {
    char characters[N]{};

    constexpr text() = default;
    constexpr text(const char (&literal)[N]) {
        for (std::size_t i = 0; i < N; ++i) characters[i] = literal[i];
    }

    /// A shorter literal.
    template <std::size_t M>
        requires(M < N)
    constexpr text(const char (&literal)[M]) {
        for (std::size_t i = 0; i < M; ++i) characters[i] = literal[i];
    }

    /// Appends what fits; the rest is cut off.
    constexpr text& operator<<(std::string_view part) {
        std::size_t at = size();
        for (char c : part) {
            if (at + 1 < N) characters[at++] = c;
        }
        return *this;
    }

    constexpr text& operator<<(std::size_t number) {
        char digits[20];
        std::size_t at = sizeof(digits);
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        return *this << std::string_view(digits + at, sizeof(digits) - at);
    }

    constexpr std::size_t size() const {
        std::size_t n = 0;
        while (n < N && characters[n] != '\0') ++n;
        return n;
    }
    constexpr const char* data() const { return characters; }
    constexpr std::string_view view() const { return {characters, size()}; }

    friend constexpr bool operator==(const text&, const text&) = default;
};

/// Long enough for any diagnostic of the framework.
using sentence = text<320>;

/// Never defined: where the compiler cannot print a computed static_assert (GCC before 14), asking for its size
/// puts the sentence into the error line.
template <sentence Sentence>
struct misconfigured;

/// Fails the build with `Sentence` as the diagnostic when `Holds` is false. Both compilers print the sentence on the
/// error's own line.
template <bool Holds, sentence Sentence>
consteval bool require() {
    if constexpr (!Holds) {
#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
        static_assert(Holds, Sentence);
#else
        return sizeof(misconfigured<Sentence>) != 0;
#endif
    }
    return true;
}

}  // namespace uk
