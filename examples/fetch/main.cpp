// SPDX-License-Identifier: BSL-1.0
// An HTTP client with DHCP: asks its host for a page every second and prints what it gets. Under QEMU's user network
// the host is 10.0.2.2: `python3 -m http.server 8000` there gives it something to fetch.

#include <uk/net/dhcp.hpp>
#include <uk/net/http_client.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

namespace net = uk::net;
namespace http = uk::net::http;
using namespace uk::literals;

struct machine : uk::stack<uk::target, net::ip4<net::dhcp>, net::tcp<net::tcp_limits{.connections = 8}>> {};

constexpr http::origin host{.address = "10.0.2.2"_ip4, .port = 8000};

// Prints the page as it comes; yields its status.
uk::task<uk::result<unsigned, http::client_error>> fetch(machine& os, auto& client, std::string_view target) {
    auto page = co_await (co_await client.get(host, target));
    while (true) {
        const uk::bytes piece = co_await (co_await page.read_body());
        if (piece.empty()) co_return page.status();
        os[uk::port::console].write(uk::as_text(piece));
    }
}

uk::task<> app(machine& os) {
    http::client<machine, {.redirects = 3}> client(os);
    while (true) {
        const auto status = co_await fetch(os, client, "/");
        if (status) {
            os[uk::port::console].print("status {}\n", *status);
        } else {
            os[uk::port::console].print("nothing: {}\n", describe(status.error()));
        }
        co_await uk::sleep(1s);
    }
}

int main() { return uk::run<machine>(app); }
