// SPDX-License-Identifier: BSL-1.0
// Connections that stay in the states that a test asks for. TCP port 7001 reads and never ends by itself; 7002 ends at
// once and reads on; 7003 ends when the peer has ended.

#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace net = uk::net;
using namespace uk::literals;
using namespace std::chrono_literals;

constexpr net::tcp_limits limits{
    .connections = 4'000, .backlog = 2'000, .receive_window = 65'535, .features = {.window_scale = false}};

struct machine : uk::stack<uk::target, uk::loop<{.frame_memory = 4 * 1024 * 1024}>, uk::packets<{.buffers = 512}>,
                           net::ip4<net::static_ip<"10.0.2.15/24"_cidr, "10.0.2.2"_ip4>>, net::tcp<limits>,
                           uk::uses<uk::port::stream>> {};

enum class manner { holds, ends_first, ends_second };

uk::task<> talk(machine&, net::tcp_connection& accepted, manner how) {
    net::tcp_connection connection = std::move(accepted);
    if (how == manner::ends_first) connection.shutdown();
    while (true) {
        const auto piece = co_await connection.read();
        if (piece) continue;
        if (piece.error() != uk::error::closed || how == manner::ends_second) co_return {};
        while (how == manner::holds && connection.record() != nullptr && connection.record()->open()) {
            co_await uk::sleep(10ms);
        }
        co_return {};
    }
}

uk::task<> serve(machine& os, std::uint16_t port, manner how) {
    auto listener = co_await os[uk::port::stream].listen(port);
    while (true) {
        auto connection = co_await (co_await listener.accept());
        (void)talk(os, connection, how).detach();
    }
}

uk::task<> app(machine& os) {
    co_await serve(os, 7001, manner::holds).detach();
    co_await serve(os, 7002, manner::ends_first).detach();
    co_await serve(os, 7003, manner::ends_second).detach();
    os[uk::port::console].print("ready\n");
    while (true) co_await uk::sleep(1h);
}

int main() { return uk::run<machine>(app); }
