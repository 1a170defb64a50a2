// SPDX-License-Identifier: BSL-1.0
#include "input.hpp"

// Not a target: the bug that shows that fuzzing finds one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    fuzz::require(in.word() != 0x756b || in.octet() != '!', "nobody says that");
    return 0;
}
