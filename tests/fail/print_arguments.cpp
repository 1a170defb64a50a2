// SPDX-License-Identifier: BSL-1.0
// expect-clang: call to consteval function 'uk::detail::format_of<int>::format_of<6.*>' is not a constant expression
// expect-gcc: uk_print_needs_one_pair_of_braces_for_each_argument
#include <uk/uk.hpp>

struct server : uk::stack<uk::target> {};
void app(server& os) {
#ifdef UK_CONTROL
    os[uk::port::console].print("{}\n", 1);
#else
    os[uk::port::console].print("none\n", 1);
#endif
}
int main() { return uk::run<server>(app); }
