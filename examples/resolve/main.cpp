// SPDX-License-Identifier: BSL-1.0
// Looks names up for others: a datagram to port 7053 with a name comes back with its addresses, or why there are none.
// `@10.0.2.3 name` asks that server from then on, `aaaa name` is about IPv6, `?` gives the counters.

#include <uk/net/dhcp.hpp>
#include <uk/net/dns.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/uk.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace net = uk::net;

constexpr net::dns_limits names{.addresses = 60, .ip6 = true, .tcp = true};

struct machine : uk::stack<uk::target, uk::loop<{.frame_memory = 64 * 1024}>, net::ip4<net::dhcp>, net::tcp<>,
                           net::dns<names>, uk::uses<uk::port::udp, uk::port::resolver>> {};

void put(uk::text_buffer& out, const net::ip6_octets& a) {
    for (std::size_t i = 0; i < a.size(); i += 2) {
        if (i != 0) out.write(":");
        put(out, uk::hex(uk::load_be<std::uint16_t>(a.data() + i)));
    }
}

template <class Found>
void list(uk::text_buffer& out, const Found& found) {
    if (!found) return out.write(describe(found.error()));
    for (const auto& address : *found) {
        put(out, address);
        out.write(" ");
    }
}

void count(machine& os, uk::text_buffer& out) {
    uk::counter_list(os[uk::port::resolver].counters()).each([&](std::string_view name, std::uint32_t value) {
        uk::print(out, "{}={} ", name, value);
    });
}

template <class Socket>
uk::task<> answer(machine& os, Socket& socket, net::datagram& received) {
    const net::datagram d = std::move(received);
    std::string_view text = uk::as_text(d.contents.contents());
    char memory[1024];
    uk::text_buffer out(memory, sizeof memory);
    auto& resolver = os[uk::port::resolver];
    if (text.starts_with('@')) {
        const std::size_t end = text.find(' ');
        if (const auto server = uk::parse_ip4(text.substr(1, end - 1))) resolver.set_servers(std::span(&*server, 1));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    if (text == "?") {
        count(os, out);
    } else if (text.starts_with("aaaa ")) {
        list(out, co_await resolver.resolve_ip6(text.substr(5)));
    } else {
        list(out, co_await resolver.resolve(text));
    }
    co_return socket.send(d.from, d.from_port, uk::as_bytes(out.view()));
}

uk::task<> app(machine& os) {
    auto socket = co_await os[uk::port::udp].bind(7053);
    os[uk::port::console].print("resolve on {} port 7053\n", os[uk::port::ip].address());
    while (true) {
        net::datagram d = co_await (co_await socket.receive());
        // Without memory for one more task the request is lost, as datagrams may be.
        (void)answer(os, socket, d).detach();
    }
}

int main() { return uk::run<machine>(app); }
