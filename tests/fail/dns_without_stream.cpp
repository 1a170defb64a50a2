// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: net::dns needs port::stream, but no part provides it and target hosted offers none; add net::tcp from <uk/net/tcp.hpp>\.
#include <uk/net/dns.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
using namespace uk::literals;

using here = net::ip4<net::static_ip<"10.0.0.2/24"_cidr>>;
using names = net::dns<net::dns_limits{.tcp = true}>;

#ifdef UK_CONTROL
struct client : uk::stack<uk::target, here, net::tcp<>, names> {};
#else
struct client : uk::stack<uk::target, here, names> {};
#endif
static_assert(sizeof(client) > 0);
