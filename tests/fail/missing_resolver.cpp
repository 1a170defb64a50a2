// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: the application needs port::resolver, but no part provides it and target hosted offers none; add net::dns<> from <uk/net/dns.hpp>\.
#include <uk/net/dns.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
using namespace uk::literals;

using here = net::ip4<net::static_ip<"10.0.0.2/24"_cidr>>;

#ifdef UK_CONTROL
struct client : uk::stack<uk::target, here, net::dns<>, uk::uses<uk::port::resolver>> {};
#else
struct client : uk::stack<uk::target, here, uk::uses<uk::port::resolver>> {};
#endif
static_assert(sizeof(client) > 0);
