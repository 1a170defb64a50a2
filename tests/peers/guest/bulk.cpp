// SPDX-License-Identifier: BSL-1.0
// What the peers' bulk transfers need. TCP port 7 returns what comes. Port 9 takes all, and answers the peer's FIN with
// the SHA-256 of it. Port 19 sends as many octets as a decimal line asks for: 64-bit numbers in network order, counted
// up from the second number of the line. Port 11 tells what the parts have counted. Ports as in RFC 862 to 866.

#include "sha256.hpp"

#ifdef UK_CARD
#include <uk/drv/virtio_net.hpp>
#endif
#include <uk/net/ip4.hpp>
#include <uk/net/static_ip.hpp>
#include <uk/net/tcp.hpp>
#include <uk/net/tcp_cubic.hpp>
#include <uk/uk.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace net = uk::net;
using namespace uk::literals;

constexpr net::tcp_limits limits{.connections = 96,
                                 .backlog = 64,
                                 .receive_window = 131'072,
                                 .receive_buffers = 96,
                                 .send_buffers = 64,
                                 .segments = 1024};

using buffers = uk::packets<{.buffers = 512}>;
// With UK_CARD the virtio network card, with these options.
#ifdef UK_CARD
using frames = uk::bundle<buffers, uk::drv::virtio_net<uk::drv::virtio_net_options UK_CARD>>;
#else
using frames = buffers;
#endif

struct machine : uk::stack<uk::target, uk::loop<{.frame_memory = 96 * 1024}>, frames,
                           net::ip4<net::static_ip<"10.0.2.15/24"_cidr, "10.0.2.2"_ip4>>, net::tcp<limits, net::cubic>,
                           uk::uses<uk::port::stream>> {};

uk::task<> echo(machine&, net::tcp_connection& accepted) {
    net::tcp_connection connection = std::move(accepted);
    while (true) {
        const auto piece = co_await (co_await connection.read());
        co_await (co_await connection.write(piece.contents()));
    }
}

uk::task<> sink(machine&, net::tcp_connection& accepted) {
    net::tcp_connection connection = std::move(accepted);
    sha256 all;
    while (true) {
        const auto piece = co_await connection.read();
        if (!piece && piece.error() != uk::error::closed) co_return uk::fail(piece.error());
        if (!piece) break;
        all.add(piece->contents());
    }
    char memory[80];
    uk::text_buffer text(memory, sizeof memory);
    for (const std::uint32_t word : all.digest()) uk::print(text, "{}", uk::hex(word, 8));
    co_return co_await connection.write(uk::as_bytes(text.view()));
}

struct asked {
    std::uint64_t octets = 0;
    std::uint64_t first = 0;
};

uk::task<uk::result<asked>> read_request(machine&, net::tcp_connection& connection) {
    std::array<std::uint64_t, 2> numbers{};
    std::size_t at = 0;
    while (true) {
        const auto piece = co_await (co_await connection.read());
        for (const char c : uk::as_text(piece.contents())) {
            if (c == '\n') co_return asked{numbers[0], numbers[1]};
            if (c == ' ') {
                at = 1;
            } else if (c < '0' || c > '9') {
                co_return uk::fail(uk::error::invalid);
            } else {
                numbers[at] = numbers[at] * 10 + static_cast<std::uint64_t>(c - '0');
            }
        }
    }
}

uk::task<> source(machine& os, net::tcp_connection& accepted) {
    net::tcp_connection connection = std::move(accepted);
    asked want = co_await (co_await read_request(os, connection));
    std::array<std::byte, 1024> words;
    while (want.octets != 0) {
        for (std::size_t i = 0; i < words.size(); i += 8) uk::store_be(words.data() + i, want.first++);
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(want.octets, words.size()));
        co_await (co_await connection.write(uk::bytes(words).first(n)));
        want.octets -= n;
    }
    co_return {};
}

// Lines of part, counter and number; then the buffers and the task memory.
uk::task<> tell(machine& os, net::tcp_connection& accepted) {
    net::tcp_connection connection = std::move(accepted);
    char memory[3072];
    uk::text_buffer text(memory, sizeof memory);
    std::size_t i = 0;
    std::size_t free = os[uk::port::packets].store().available();
    os.each([&](auto& part) {
        const std::string_view name = machine::part_names()[i++];
        if constexpr (requires { part.counters(); }) {
            uk::counter_list(part.counters()).each([&](std::string_view counter, std::uint32_t n) {
                uk::print(text, "{} {} {}\n", name, counter, n);
            });
        }
        // Buffers that the card holds come back by themselves.
        if constexpr (requires { part.buffers_held(); }) free += part.buffers_held();
    });
    uk::print(text, "memory buffers_free {}\n", free);
    uk::print(text, "memory arena_used {}\n", os.scheduler().frames.used());
    co_return co_await connection.write(uk::as_bytes(text.view()));
}

template <auto Serve>
uk::task<> service(machine& os, std::uint16_t port) {
    auto listener = co_await os[uk::port::stream].listen(port);
    while (true) {
        net::tcp_connection connection = co_await (co_await listener.accept());
        // Without memory for one more task the connection ends here.
        (void)Serve(os, connection).detach();
    }
}

uk::task<> app(machine& os) {
    co_await service<echo>(os, 7).detach();
    co_await service<sink>(os, 9).detach();
    co_await service<tell>(os, 11).detach();
    os[uk::port::console].print("ready\n");
    co_return co_await service<source>(os, 19);
}

int main() { return uk::run<machine>(app); }
