// SPDX-License-Identifier: BSL-1.0
#pragma once

// Include-time switches, set by the build and nowhere else. The only header that looks at macros of the build.
// UK_TARGET_HOSTED, UK_TARGET_KVM: the machine that the build is for; without either, a Linux process.

// fmt's own switches (print_float.hpp is its only user): no library to link, and nothing of iostreams, locales or
// 128-bit numbers in an image.
#if !defined(FMT_HEADER_ONLY)
#define FMT_HEADER_ONLY 1
#endif
#if defined(UK_TARGET_KVM) && !defined(FMT_ASSERT)
#define FMT_ASSERT(condition, message) static_cast<void>(0)
#define FMT_THROW(exception) __builtin_trap()
#define FMT_STATIC_THOUSANDS_SEPARATOR ','
#define FMT_USE_LONG_DOUBLE 0
#define FMT_USE_FLOAT128 0
#define FMT_USE_INT128 0
#endif

namespace uk::config {

#if defined(UK_TARGET_KVM)
/// True where the program is a machine image: no operating system below, `main` is entered by the boot shim.
inline constexpr bool image = true;
#else
inline constexpr bool image = false;
#endif

#if defined(__OPTIMIZE_SIZE__)
/// True where the build asks for few octets before speed.
inline constexpr bool small = true;
#else
inline constexpr bool small = false;
#endif

#if defined(UK_TARGET_KVM) && defined(__OPTIMIZE__)
/// True where the linker is told where an image's stack and its parts lie, see image_link.hpp: the compiler knows these
/// places as constants only when it optimizes.
inline constexpr bool linked = true;
#else
inline constexpr bool linked = false;
#endif

/// Called with `this` first in a small function that is called from many places: the compiler would otherwise load
/// members at each of these places to pass them instead of the one pointer, which costs some octets every time.
[[gnu::always_inline]] inline void pass_pointer([[maybe_unused]] const volatile void* p) {
    if constexpr (image) asm("" ::"r"(p));
}

/// The same object, whose address an image then keeps in a register: for a function that uses many members of one that
/// lies at a constant address, which is longer to name than a place near a register.
template <class T>
[[gnu::always_inline]] inline T& in_register(T& object) {
    T* p = &object;
    if constexpr (image) asm("" : "+r"(p));
    return *p;
}

}  // namespace uk::config
