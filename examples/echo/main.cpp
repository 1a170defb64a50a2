// SPDX-License-Identifier: BSL-1.0
// The echo service, RFC 862: UDP and TCP, port 7.

#include <uk/net/dhcp.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

#include <utility>

namespace net = uk::net;

struct machine : uk::stack<uk::target, net::ip4<net::dhcp>, net::tcp<>, uk::uses<uk::port::udp, uk::port::stream>> {};

uk::task<> echo_datagrams(machine& os) {
    auto socket = co_await os[uk::port::udp].bind(7);
    while (true) {
        const net::datagram d = co_await (co_await socket.receive());
        // What cannot be sent is lost, as datagrams may be.
        (void)socket.send(d.from, d.from_port, d.contents.contents());
    }
}

uk::task<> echo_stream(machine&, net::tcp_connection& accepted) {
    net::tcp_connection connection = std::move(accepted);
    while (true) {
        const auto piece = co_await (co_await connection.read());
        co_await (co_await connection.write(piece.contents()));
    }
}

uk::task<> app(machine& os) {
    os[uk::port::console].print("echo on {} port 7\n", os[uk::port::ip].address());
    co_await echo_datagrams(os).detach();
    auto listener = co_await os[uk::port::stream].listen(7);
    while (true) {
        net::tcp_connection connection = co_await (co_await listener.accept());
        // Without memory for one more task the connection ends here.
        (void)echo_stream(os, connection).detach();
    }
}

int main() { return uk::run<machine>(app); }
