// SPDX-License-Identifier: BSL-1.0
// What libstdc++'s headers call where they would throw, and what the compiler calls where the language ends the
// program: all panic. What nothing calls is not linked.
#include <uk/check.hpp>

#include <cstddef>

namespace std {

[[gnu::noreturn]] void terminate() noexcept { uk::panic("std::terminate"); }
[[gnu::noreturn]] void __throw_length_error(const char*) { uk::panic("std::length_error"); }
[[gnu::noreturn]] void __throw_logic_error(const char*) { uk::panic("std::logic_error"); }
[[gnu::noreturn]] void __throw_out_of_range(const char*) { uk::panic("std::out_of_range"); }
[[gnu::noreturn]] void __throw_out_of_range_fmt(const char*, ...) { uk::panic("std::out_of_range"); }
[[gnu::noreturn]] void __throw_invalid_argument(const char*) { uk::panic("std::invalid_argument"); }
[[gnu::noreturn]] void __throw_bad_alloc() { uk::panic("std::bad_alloc"); }
[[gnu::noreturn]] void __throw_bad_array_new_length() { uk::panic("std::bad_array_new_length"); }
[[gnu::noreturn]] void __throw_bad_optional_access() { uk::panic("std::bad_optional_access"); }
[[gnu::noreturn]] void __throw_bad_function_call() { uk::panic("std::bad_function_call"); }
[[gnu::noreturn]] void __glibcxx_assert_fail(const char*, int, const char*, const char* condition) noexcept {
    uk::panic(condition);
}

}  // namespace std

extern "C" {

[[noreturn]] void abort() noexcept { uk::panic("abort"); }
[[noreturn]] void __cxa_pure_virtual() { uk::panic("a pure virtual function was called"); }

// The machine stops instead of ending main's statics.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
void* __dso_handle = nullptr;

}  // extern "C"

// A destructor that could delete through a pointer refers to this; nothing allocates, so nothing comes here.
void operator delete(void*) noexcept { uk::panic("operator delete: there is no heap"); }
void operator delete(void*, std::size_t) noexcept { uk::panic("operator delete: there is no heap"); }
