// SPDX-License-Identifier: BSL-1.0
// Answers pings and does nothing else: UDP is offered, but nobody needs it.

#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
using namespace uk::literals;

struct machine : uk::stack<uk::target, net::ip4<net::static_ip<"10.0.2.15/24"_cidr>>, uk::uses<uk::port::tasks>> {};

uk::task<> app(machine& os) {
    os[uk::port::console].print("{}\n", os[uk::port::ip].address());
    while (true) co_await uk::sleep(1h);
}

int main() { return uk::run<machine>(app); }
