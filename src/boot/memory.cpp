// SPDX-License-Identifier: BSL-1.0
// The functions of <string.h> that a compiler calls on its own account. `no_builtin`: a loop in here must not be turned
// into a call of itself.
#include <cstddef>

#if defined(__x86_64__) && !defined(__OPTIMIZE_SIZE__)
namespace {

template <class Word>
[[gnu::always_inline]] inline Word load(const unsigned char* from) {
    Word word;
    __builtin_memcpy_inline(&word, from, sizeof word);
    return word;
}
template <class Word>
[[gnu::always_inline]] inline void store(unsigned char* to, Word word) {
    __builtin_memcpy_inline(to, &word, sizeof word);
}
// Two words that overlap where they must; both are read before one is written, so that memmove may use it.
template <class Word>
[[gnu::always_inline]] inline void copy_ends(unsigned char* to, const unsigned char* from, std::size_t size) {
    const Word first = load<Word>(from);
    const Word last = load<Word>(from + size - sizeof(Word));
    store(to, first);
    store(to + size - sizeof(Word), last);
}

}  // namespace
#endif

extern "C" {

[[clang::no_builtin]] void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) {
    void* const result = to;
#if defined(__x86_64__)
#if !defined(__OPTIMIZE_SIZE__)
    // For speed: few octets by words, and of more the last ones, not by microcode.
    const auto out = static_cast<unsigned char*>(to);
    const auto in = static_cast<const unsigned char*>(from);
    using word = unsigned long long;
    if (size <= 16) {
        if (size >= 8) {
            copy_ends<word>(out, in, size);
        } else if (size >= 4) {
            copy_ends<unsigned>(out, in, size);
        } else if (size >= 2) {
            copy_ends<unsigned short>(out, in, size);
        } else if (size == 1) {
            *out = *in;
        }
        return result;
    }
    const word last = load<word>(in + size - sizeof last);
    std::size_t count = size / 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    store(out + size - sizeof last, last);
#else
    // Words, then octets: fast by microcode on real CPUs, and eight times as fast as octets alone under emulation.
    std::size_t count = size / 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    count = size % 8;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
#endif
#else
    auto out = static_cast<unsigned char*>(to);
    auto in = static_cast<const unsigned char*>(from);
    while (size-- != 0) *out++ = *in++;
#endif
    return result;
}

[[clang::no_builtin]] void* memmove(void* to, const void* from, std::size_t size) {
    auto out = static_cast<unsigned char*>(to);
    auto in = static_cast<const unsigned char*>(from);
    // Upwards is right unless `to` lies inside the source, and then the difference is less than the size.
    if (reinterpret_cast<std::size_t>(to) - reinterpret_cast<std::size_t>(from) >= size) return memcpy(to, from, size);
    while (size-- != 0) out[size] = in[size];
    return to;
}

[[clang::no_builtin]] void* memset(void* to, int value, std::size_t size) {
    void* const result = to;
#if defined(__x86_64__)
    std::size_t count = size / 8;
    const std::size_t word = static_cast<unsigned char>(value) * std::size_t{0x0101'0101'0101'0101};
    asm volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(word) : "memory");
    count = size % 8;
    asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(word) : "memory");
#else
    auto out = static_cast<unsigned char*>(to);
    while (size-- != 0) *out++ = static_cast<unsigned char>(value);
#endif
    return result;
}

[[clang::no_builtin]] int memcmp(const void* a, const void* b, std::size_t size) {
    auto left = static_cast<const unsigned char*>(a);
    auto right = static_cast<const unsigned char*>(b);
    for (; size != 0; --size, ++left, ++right) {
        if (*left != *right) return *left - *right;
    }
    return 0;
}

[[clang::no_builtin]] int bcmp(const void* a, const void* b, std::size_t size) { return memcmp(a, b, size); }

[[clang::no_builtin]] void* memchr(const void* memory, int value, std::size_t size) {
    auto at = static_cast<const unsigned char*>(memory);
    for (; size != 0; --size, ++at) {
        if (*at == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(at);
    }
    return nullptr;
}

[[clang::no_builtin]] std::size_t strlen(const char* text) {
    std::size_t size = 0;
    while (text[size] != '\0') ++size;
    return size;
}

}  // extern "C"
