// SPDX-License-Identifier: BSL-1.0
// Fetches one page over HTTP, prints it, and ends, with status 0 where all went well: `uk run fetch -- -append
// http://example.org/`. Without a URL it asks what QEMU's user network shows of the host at port 8000, for which
// `python3 -m http.server` there is enough.

#include <uk/net/dhcp.hpp>
#include <uk/net/dns.hpp>
#include <uk/net/http_client.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

#include <string_view>

namespace net = uk::net;
namespace http = uk::net::http;

struct machine : uk::stack<uk::target, net::ip4<net::dhcp>, net::tcp<net::tcp_limits{.connections = 8}>, net::dns<>,
                           uk::uses<uk::port::arguments>> {};

// Prints the page as it comes; yields its status.
uk::task<uk::result<unsigned, http::client_error>> fetch(machine& os, http::url from) {
    http::client<machine, {.redirects = 3, .connect_ms = 5000}> client(os);
    auto page = co_await (co_await client.get(from.to, from.target));
    while (true) {
        const uk::bytes piece = co_await (co_await page.read_body());
        if (piece.empty()) co_return page.status();
        os[uk::port::console].write(uk::as_text(piece));
    }
}

uk::task<uk::result<int>> app(machine& os) {
    auto& console = os[uk::port::console];
    std::string_view name = os[uk::port::arguments].argument(0);
    if (name.empty()) name = "http://10.0.2.2:8000/";
    const auto from = http::parse_url(name);
    if (!from) {
        console.print("fetch: {} is not like http://example.org:80/path\n", name);
        co_return 2;
    }
    const auto status = co_await fetch(os, *from);
    if (status && *status / 100 == 2) co_return 0;
    if (status) {
        console.print("fetch: {}: the server answered with status {}\n", name, *status);
    } else {
        console.print("fetch: {}: {}\n", name, describe(status.error()));
    }
    co_return 1;
}

int main() { return uk::run<machine>(app); }
