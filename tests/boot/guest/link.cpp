// SPDX-License-Identifier: BSL-1.0
// A web server that announces its address by ARP, and whose card can be made to fail.

#include <uk/net/arp.hpp>
#include <uk/net/dhcp.hpp>
#include <uk/net/http.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

#include <chrono>
#include <cstddef>
#include <utility>

namespace net = uk::net;
namespace http = uk::net::http;
using namespace std::chrono_literals;

struct server : uk::stack<uk::target, uk::loop<{.frame_memory = 48 * 1024}>, net::arp<{.probes = 1}>,
                          net::ip4<net::dhcp>, net::tcp<net::tcp_limits{.connections = 16}>> {};

namespace {

uk::result<> home(http::request&, http::response& out) { return out.text(http::constant("hello over a link\n")); }

// Answers after a while, so that the answer meets whatever became of the link meanwhile.
uk::task<> later(http::request&, http::response& out) {
    co_await uk::sleep(500ms);
    co_return out.text(http::constant("hello later\n"));
}

// A frame from memory that is not there: QEMU's card has nowhere to put its octets, and then wants a reset.
uk::result<> failure(server& os, http::request&, http::response& out) {
    uk::outgoing frame{os[uk::port::packets].store().take()};
    if (!frame.head) return uk::fail(uk::error::no_memory);
    frame.head.push_back(14);
    frame.body = uk::bytes(reinterpret_cast<const std::byte*>(0x70'0000'0000), 3 * 4096);
    os[uk::port::frame].send(std::move(frame));
    return out.text(http::constant("broken\n"));
}

uk::result<> counted(server& os, http::request&, http::response& out) {
    return out.json([&](auto& all) { all.counts("card", uk::counter_list(os[uk::port::frame].counters())); });
}

constexpr auto routes = http::routes(http::get<"/">(home), http::get<"/later">(later), http::get<"/failure">(failure),
                                     http::get<"/counted">(counted));

}  // namespace

uk::task<> app(server& os) {
    os[uk::port::console].print("listening on {}\n", os[uk::port::ip].address());
    co_return co_await http::serve(os, 80, routes, {.connections = 8});
}

int main() { return uk::run<server>(app); }
