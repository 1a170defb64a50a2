// SPDX-License-Identifier: BSL-1.0
// Bodies that no memory could hold: streamed in both directions, with a length or in chunks.

#include <uk/net/dhcp.hpp>
#include <uk/net/http.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace net = uk::net;
namespace http = uk::net::http;

struct server : uk::stack<uk::target, uk::loop<{.frame_memory = 64 * 1024}>, uk::packets<{.buffers = 128}>,
                          net::ip4<net::dhcp>, net::tcp<net::tcp_limits{.connections = 128, .backlog = 64}>> {};

uk::result<> home(http::request&, http::response& out) { return out.text(http::constant("hello in pieces\n")); }

// The body comes back as it comes in.
uk::task<> echo(http::request& in, http::response& out) {
    out.type("application/octet-stream");
    if (in.content_length()) out.length(*in.content_length());
    while (true) {
        const uk::bytes piece = co_await (co_await in.read_body());
        if (piece.empty()) co_return {};
        co_await (co_await out.write(piece));
    }
}

uk::task<> chunked(http::request&, http::response& out) {
    out.type("text/plain");
    for (auto line :
         {http::constant("one type,\n"), http::constant("sent in pieces\n"), http::constant("as they come.\n")}) {
        co_await (co_await out.write(line));
    }
    co_return {};
}

// `/big?octets=N`: N octets, at most 16 MiB, 100 KiB without a number.
uk::task<> big(http::request& in, http::response& out) {
    static constexpr auto line = http::constant("The quick brown fox jumps over the lazy dog, again and again.\n\n");
    std::uint64_t left = 100 * 1024;
    if (const auto wanted = in.parameter("octets")) {
        left = http::detail::decimal(*wanted).value_or(0);
        if (left > 16 * 1024 * 1024) co_return uk::fail(uk::error::too_large);
    }
    out.type("text/plain").length(left);
    while (left != 0) {
        const std::size_t n = std::min<std::uint64_t>(left, line.text().size());
        co_await (co_await out.write(line.text().substr(0, n)));
        left -= n;
    }
    co_return {};
}

constexpr auto routes = http::routes(http::get<"/">(home), http::post<"/echo">(echo), http::get<"/chunked">(chunked),
                                     http::get<"/big">(big));

uk::task<> app(server& os) {
    os[uk::port::console].print("listening on {}\n", os[uk::port::ip].address());
    co_return co_await http::serve(os, 80, routes, {.connections = 80});
}

int main() { return uk::run<server>(app); }
