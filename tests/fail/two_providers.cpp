// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: port::clock is provided by both quartz and sundial; keep one of them\.
#include <uk/uk.hpp>

struct quartz {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock>;
    uk::instant now() { return {}; }
};
struct sundial : quartz {};
#ifdef UK_CONTROL
struct server : uk::stack<uk::target, quartz, uk::uses<uk::port::clock>> {};
#else
struct server : uk::stack<uk::target, quartz, sundial, uk::uses<uk::port::clock>> {};
#endif
int main() { return uk::run<server>([](server&) {}); }
