// SPDX-License-Identifier: BSL-1.0
// expect: uk: names of counters are words of a-z, 0-9 and _, with single spaces between them.
#include <uk/counters.hpp>

struct counted {
#ifdef UK_CONTROL
    static constexpr std::string_view names = "good bad_1";
#else
    static constexpr std::string_view names = "good Bad";
#endif
    std::uint32_t good = 0;
    std::uint32_t bad = 0;
};

int main() {
    uk::counter_list(counted{}).each([](std::string_view, std::uint32_t) {});
    return 0;
}
