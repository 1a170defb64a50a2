// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: bridge needs port::link, but no part provides it and target hosted offers none; add net::ethernet from <uk/net/ethernet.hpp>\.
#include <uk/uk.hpp>

struct bridge {
    using needs = uk::ports<uk::port::tasks, uk::port::link>;
    using provides = uk::ports<>;
};
struct stub_link {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::link>;
};
#ifdef UK_CONTROL
struct server : uk::stack<uk::target, bridge, uk::offers<stub_link>> {};
#else
struct server : uk::stack<uk::target, bridge> {};
#endif
static_assert(sizeof(server) > 0);
