// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: tunnel needs port::ip, but no part provides it and target hosted offers none; add net::ipv4 from <uk/net/ipv4.hpp>\.
#include <uk/uk.hpp>

struct tunnel {
    using needs = uk::ports<uk::port::ip>;
    using provides = uk::ports<>;
};
struct stub_ip {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::ip>;
};
#ifdef UK_CONTROL
struct server : uk::stack<uk::target, tunnel, stub_ip> {};
#else
struct server : uk::stack<uk::target, tunnel> {};
#endif
static_assert(sizeof(server) > 0);
