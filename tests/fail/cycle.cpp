// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: egg needs port::link of hen, which needs egg in turn; break the circle\.
#include <uk/uk.hpp>

struct hen {
    using needs = uk::ports<uk::port::neighbour>;
    using provides = uk::ports<uk::port::link>;
};
struct egg {
#ifdef UK_CONTROL
    using needs = uk::ports<uk::port::clock>;
#else
    using needs = uk::ports<uk::port::link>;
#endif
    using provides = uk::ports<uk::port::neighbour>;
};
struct farm : uk::stack<uk::target, hen, egg> {};
static_assert(sizeof(farm) > 0);
