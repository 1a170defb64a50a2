// SPDX-License-Identifier: BSL-1.0
// expect: net::dns: an address among `servers` is not one that a host can have\.
#include <uk/net/dns.hpp>

using namespace uk::literals;

#ifdef UK_CONTROL
using names = uk::net::dns<uk::net::dns_limits{.servers = {"10.0.0.1"_ip4}}>;
#else
using names = uk::net::dns<uk::net::dns_limits{.servers = {"224.0.0.1"_ip4}}>;
#endif
static_assert(sizeof(names) > 0);
