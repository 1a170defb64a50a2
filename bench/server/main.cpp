// SPDX-License-Identifier: BSL-1.0
// What `uk bench net` measures: a web server that answers each request with the same 13 octets.

#include <uk/net/dhcp.hpp>
#include <uk/net/http.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
namespace http = uk::net::http;

#ifdef SERVER_LEAST_TCP
constexpr net::tcp_features features = net::tcp_minimal;
#else
constexpr net::tcp_features features{};
#endif

struct server
    : uk::stack<uk::target, uk::loop<{.frame_memory = 128 * 1024}>, uk::packets<{.buffers = 256}>, net::ip4<net::dhcp>,
                net::tcp<net::tcp_limits{.connections = 256, .backlog = 128, .features = features}>> {};

constexpr auto routes = http::routes(
    http::get<"/">([](http::request&, http::response& out) { return out.text(http::constant("Hello, World!")); }));

uk::task<> app(server& os) {
    os[uk::port::console].print("listening on {}\n", os[uk::port::ip].address());
    co_return co_await http::serve(os, 80, routes, {.connections = 128, .requests = 1'000'000'000});
}

int main() { return uk::run<server>(app); }
