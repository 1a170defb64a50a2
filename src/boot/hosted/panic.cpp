// SPDX-License-Identifier: BSL-1.0
#include <uk/check.hpp>
#include <uk/image_link.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include <execinfo.h>
#include <unistd.h>

namespace {

constexpr int status = 127;  // as on every platform
constexpr int depth = 17;

}  // namespace

// What only an image has: nothing here uses it, but Clang's debug information names it.
std::byte uk_stack_object[1], uk_scheduler_object[1], uk_packet_store_object[1];

extern "C" void uk_panic(const char* reason, const char* file, unsigned line) {
    static bool speaking;  // a panic inside a panic stops without words
    if (speaking) ::_exit(status);
    speaking = true;
    std::fflush(stdout);
    std::fprintf(stderr, "panic: %s at %s:%u\nbacktrace:", reason, file, line);
    void* addresses[depth];
    const int count = ::backtrace(addresses, depth);
    for (int i = 1; i < count; ++i) std::fprintf(stderr, " %p", addresses[i]);
    std::fputc('\n', stderr);
    ::_exit(status);
}

extern "C" void uk_stop(int code) { std::exit(code); }
