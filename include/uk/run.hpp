// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/check.hpp>
#include <uk/config.hpp>
#include <uk/print.hpp>
#include <uk/stack.hpp>
#include <uk/stack_link.hpp>
#include <uk/task.hpp>

#include <concepts>
#include <cstddef>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace uk {

/// Octets of the one machine stack that everything runs on. Interrupts have their own.
inline constexpr std::size_t stack_octets = 16 * 1024;

/// Octets of memory that a system needs to run, beyond its code and constants: all state, all buffers, the tasks'
/// frames and the machine's stack. Hold it with `static_assert(uk::footprint<server> <= 512 * 1024);`
template <class Stack>
inline constexpr std::size_t footprint = sizeof(Stack) + stack_octets;

namespace detail {

consteval sentence over_budget(std::size_t needs, std::size_t budget) {
    sentence s;
    s << "uk::footprint: the system needs " << needs << " octets of memory, " << needs - budget
      << " over its budget of " << budget << "; lower the limits of its parts or raise the budget.";
    return s;
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

/// Runs `t` to its end, driving the loop.
template <class Stack, class T>
T drive(Stack& os, task<T> t) {
    if (!t.start()) return fail(T::error_type::no_memory);
    os[port::tasks].run_until([&] { return t.done(); });
    return t.take();
}

template <class Stack>
[[gnu::noinline]] void report(Stack& os, std::string_view what, error e) {
    print(os[port::console], "uk::run: {}: {}\n", what, describe(e));
}

template <class Stack>
bool start_parts(Stack& os) {
    bool ok = true;
    os.each([&](auto& object) {
        if constexpr (requires { object.start(); }) {
            if (!ok) return;
            const auto started = drive(os, object.start());
            if (started) return;
            ok = false;
            report(os, "a part did not start", reduce(started.error()));
        }
    });
    return ok;
}

/// The status of a machine whose application ended with `r`.
template <class Stack, class R>
int status_of(Stack& os, const R& r) {
    if constexpr (is_result<R>) {
        if (r) {
            if constexpr (std::convertible_to<typename R::value_type, int>) return *r;
            return 0;
        }
        report(os, "the application ended", reduce(r.error()));
        return 1;
    } else {
        return static_cast<int>(r);
    }
}

template <class Stack, class App>
int run_app(Stack& os, App& app) {
    using returned = std::invoke_result_t<App&, Stack&>;
    if constexpr (is_task<returned>) {
        // Without port::tasks the coroutine itself does not compile; one mistake, one message.
        if constexpr (Stack::template has<port::tasks>) return status_of(os, drive(os, app(os)));
    } else if constexpr (std::is_void_v<returned>) {
        app(os);
    } else {
        return status_of(os, app(os));
    }
    return 0;
}

// The stack lives in zeroed memory: it costs no byte of the image and may be larger than a thread's stack.
template <class Stack>
struct storage {
    alignas(Stack) static inline std::byte octets[sizeof(Stack)];
};

// Reserves the memory of an image's stack, see stack_link.hpp. The linker script reserves the machine's stack from
// `uk_stack_bytes` and holds the image to `uk_footprint`; the run tool reads the latter.
template <class Stack>
[[gnu::always_inline]] inline void* place_stack() {
    if constexpr (config::image) {
        asm volatile(
            ".pushsection .bss.uk_stack_object, \"aw\", @nobits\n.balign %c0\n.globl uk_stack_object\n"
            "uk_stack_object:\n.skip %c1\n.popsection\n"
            ".globl uk_footprint\n.set uk_footprint, %c2\n.globl uk_stack_bytes\n.set uk_stack_bytes, %c3" ::"i"(
                alignof(Stack)),
            "i"(sizeof(Stack)), "i"(footprint<Stack>), "i"(stack_octets));
        return uk_stack_object;
    } else {
        return storage<Stack>::octets;
    }
}

}  // namespace detail

/// Builds the stack, starts its parts and runs `app(os)`, which may return nothing, a status, a `result` (of a status,
/// if it wants) or a `task`. Returns the status for `main`: 0 when all went well. Call it once, from `main`.
template <class Stack, class App>
[[gnu::noinline]] int run(App app) {
    constexpr bool fits = std::invocable<App&, Stack&>;
    static_assert(require<fits, "uk::run: the application's parameter is not its stack; uk::run<server>(app) needs "
                                "app(server& os).">());
    if constexpr (fits) {
        Stack& os = *new (detail::place_stack<Stack>()) Stack;
        os.each([](auto& object) {
            if constexpr (requires { object.place_links(); }) object.place_links();
        });
        const int status = detail::start_parts(os) ? detail::run_app(os, app) : 1;
        if constexpr (!config::image) os.~Stack();  // an image stops instead
        return status;
    } else {
        return 1;
    }
}

/// True, or a compile error that says by how much, when `Stack` needs at most `Octets` of memory:
/// `static_assert(uk::fits_in<server, 512 * 1024>());`
template <class Stack, std::size_t Octets>
consteval bool fits_in() {
    constexpr bool fits = footprint<Stack> <= Octets;
    return require<fits, detail::over_budget(footprint<Stack>, Octets)>();
}

}  // namespace uk
