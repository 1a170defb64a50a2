// SPDX-License-Identifier: BSL-1.0
// An echo server over TCP with the features that its build names: the tests look at what is in the image.

#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
using namespace uk::literals;

struct machine : uk::stack<uk::target, net::ip4<net::static_ip<"10.0.2.15/24"_cidr>>,
                           net::tcp<net::tcp_limits{.features = UK_FEATURES}>> {};

uk::task<> app(machine& os) {
    auto listener = co_await os[uk::port::stream].listen(7);
    while (true) {
        auto connection = co_await co_await listener.accept();
        while (auto got = co_await connection.read()) co_await co_await connection.write(got->contents());
    }
}

int main() { return uk::run<machine>(app); }
