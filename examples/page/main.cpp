// SPDX-License-Identifier: BSL-1.0
// The smallest web server: one constant page over DHCP, the least TCP and HTTP.

#include <uk/net/dhcp.hpp>
#include <uk/net/http.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
namespace http = uk::net::http;

struct server : uk::stack<uk::target_with<uk::target_options{.watch_link = false}>,
                          uk::loop<{.frame_memory = 48 * 1024}>, uk::packets<{.buffers = 96}>, net::ip4<net::dhcp>,
                          net::tcp<net::tcp_limits{.connections = 64, .backlog = 16, .features = net::tcp_minimal}>> {};

constexpr auto page = [](http::request&, http::response& out) {
    return out.text(http::constant("hello from one type\n"));
};

constexpr auto routes = http::routes(http::get<"/">(page));

uk::task<> app(server& os) {
    os[uk::port::console].print("listening on {}\n", os[uk::port::ip].address());
    co_return co_await http::serve(os, 80, routes);
}

int main() { return uk::run<server>(app); }
