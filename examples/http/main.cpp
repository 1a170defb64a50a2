// SPDX-License-Identifier: BSL-1.0
// A web server with DHCP: constant pages and a status page.

#include <uk/net/dhcp.hpp>
#include <uk/net/http.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace net = uk::net;
namespace http = uk::net::http;

// The least TCP makes the smallest image; built with -Dtcp=whole, it has all that TCP can do (what tcp_limits says when
// its features are left alone, and ECN).
#ifdef HTTP_WHOLE_TCP
constexpr net::tcp_features features = net::tcp_everything;
#else
constexpr net::tcp_features features = net::tcp_minimal;
#endif

struct server
    : uk::stack<uk::target, uk::loop<{.frame_memory = 80 * 1024}>, uk::packets<{.buffers = 128}>, net::ip4<net::dhcp>,
                net::tcp<net::tcp_limits{.connections = 256, .backlog = 64, .features = features}>> {};

uk::result<> home(http::request&, http::response& out) { return out.text(http::constant("hello from one type\n")); }

uk::result<> page(http::request&, http::response& out) {
    return out.html(http::constant("<!doctype html><title>uk</title><h1>hello</h1>"
                                   "<p>The machine that sent this page is <a href=/status>one C++ type</a>.\n"));
}

// Uptime, memory, and what every part has counted, by its name.
uk::result<> status(server& os, http::request& in, http::response& out) {
    return out.json([&](auto& all) {
        all.member("uptime_ms", os[uk::port::clock].now().ns / 1'000'000);
        all.member("connections", in.counters().open);
        all.object("memory", [&](auto& memory) {
            // Buffers that the card holds come back by themselves: free and held together are what must not shrink.
            std::size_t free = os[uk::port::packets].store().available();
            os.each([&](auto& part) {
                if constexpr (requires { part.buffers_held(); }) free += part.buffers_held();
            });
            memory.member("buffers_total", os[uk::port::packets].count);
            memory.member("buffers_free", free);
            memory.member("arena_used", os.scheduler().frames.used());
            memory.member("footprint", uk::footprint<server>);
        });
        all.member("arena_peak", os.scheduler().frames.peak());
        all.object("counters", [&](auto& counters) {
            std::size_t i = 0;
            os.each([&](auto& part) {
                const std::string_view name = server::part_names()[i++];
                if constexpr (requires { part.counters(); }) counters.counts(name, uk::counter_list(part.counters()));
            });
            counters.counts("net::http", uk::counter_list(in.counters()));
        });
    });
}

constexpr auto routes =
    http::routes(http::get<"/">(home), http::get<"/index.html">(page), http::get<"/status">(status));

uk::task<> app(server& os) {
    os[uk::port::console].print("listening on {}\n", os[uk::port::ip].address());
    co_return co_await http::serve(os, 80, routes, {.connections = 128});
}

int main() { return uk::run<server>(app); }
