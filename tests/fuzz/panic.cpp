// SPDX-License-Identifier: BSL-1.0
#include "panic.hpp"

#include <uk/check.hpp>

#include <cstdio>
#include <cstdlib>

namespace fuzz {

void (*panicked)() = nullptr;

}  // namespace fuzz

extern "C" void uk_panic(const char* reason, const char* file, unsigned line) {
    if (fuzz::panicked != nullptr) fuzz::panicked();
    std::fprintf(stderr, "panic: %s at %s:%u\n", reason, file, line);
    std::abort();
}

extern "C" void uk_stop(int) { std::abort(); }
