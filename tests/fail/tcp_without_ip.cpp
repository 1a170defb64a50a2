// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: net::tcp needs port::ip, but no part provides it and target hosted offers none; add net::ipv4 from <uk/net/ipv4.hpp>\.
#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
using namespace uk::literals;

#ifdef UK_CONTROL
struct server : uk::stack<uk::target, net::ip4<net::static_ip<"10.0.0.2/24"_cidr>>, net::tcp<>> {};
#else
struct server : uk::stack<uk::target, net::tcp<>> {};
#endif
uk::task<> app(server& os) {
    os[uk::port::console].print("ready\n");
    co_return {};
}
int main() { return uk::run<server>(app); }
