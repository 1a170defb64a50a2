// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: gateway needs port::frame, but no part provides it and target island offers none; list a network driver such as drv::virtio_net, or build for a target that has one\.
#include <uk/uk.hpp>

struct gateway {
    using needs = uk::ports<uk::port::frame>;
    using provides = uk::ports<>;
};
using island = uk::machine<"island", uk::hosted::console, uk::hosted::clock>;
#ifdef UK_CONTROL
struct server : uk::stack<uk::target, gateway> {};
#else
struct server : uk::stack<island, gateway> {};
#endif
static_assert(sizeof(server) > 0);
