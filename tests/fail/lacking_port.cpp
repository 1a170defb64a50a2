// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: this stack has no port::entropy; list uk::uses<uk::port::entropy> among its parts\.
#include <uk/uk.hpp>

#ifdef UK_CONTROL
struct dice : uk::stack<uk::target, uk::uses<uk::port::entropy>> {};
#else
struct dice : uk::stack<uk::target> {};
#endif
int main() {
    return uk::run<dice>([](dice& os) { static_cast<void>(os[uk::port::entropy]); });
}
