// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: blinker is listed twice; keep one of them\.
#include <uk/uk.hpp>

struct blinker {
    using needs = uk::ports<uk::port::clock>;
    using provides = uk::ports<>;
};
#ifdef UK_CONTROL
struct device : uk::stack<uk::target, blinker> {};
#else
struct device : uk::stack<uk::target, blinker, uk::bundle<blinker>> {};
#endif
int main() { return uk::run<device>([](device&) {}); }
