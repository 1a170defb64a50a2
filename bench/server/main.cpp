// SPDX-License-Identifier: BSL-1.0
// What `uk bench` measures: a web server that answers each request with the same 13 octets; built with -Dbulk=true,
// also one that sends 1 MiB.

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

constexpr auto hello = [](http::request&, http::response& out) { return out.text(http::constant("Hello, World!")); };

#ifdef SERVER_BULK
struct text_of_a_mebibyte {
    char text[(1 << 20) + 1];
};
constexpr text_of_a_mebibyte mebibyte = [] {
    text_of_a_mebibyte all{};
    for (int i = 0; i < 1 << 20; ++i) all.text[i] = 'x';
    return all;
}();
constexpr auto bulk = [](http::request&, http::response& out) { return out.text(http::constant(mebibyte.text)); };
constexpr auto routes = http::routes(http::get<"/">(hello), http::get<"/bulk">(bulk));
#else
constexpr auto routes = http::routes(http::get<"/">(hello));
#endif

uk::task<> app(server& os) {
    os[uk::port::console].print("listening on {}\n", os[uk::port::ip].address());
    co_return co_await http::serve(os, 80, routes, {.connections = 128, .requests = 1'000'000'000});
}

int main() { return uk::run<server>(app); }
