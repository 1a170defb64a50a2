// SPDX-License-Identifier: BSL-1.0
#include <uk/target_sim.hpp>

#include <uk/arch/sim_address.hpp>
#include <uk/arch/sim_wire.hpp>
#include <uk/net/ip4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/stack.hpp>
#include <uk/task.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace {

using namespace uk::literals;

struct host : uk::sim::seated,
              uk::stack<uk::sim::target<host>, uk::net::ip4<uk::sim::address<host>>, uk::net::tcp<>> {
    explicit host(uk::sim::seat& s) : seated(s) {}
};

uk::task<> take_all(host& os, std::vector<std::byte>& to) {
    auto listener = co_await os[uk::port::stream].listen(7);
    auto connection = co_await (co_await listener.accept());
    while (true) {
        auto text = co_await connection.read();
        if (!text) co_return {};
        to.insert(to.end(), text->contents().begin(), text->contents().end());
    }
}

uk::task<> send_all(host& os, uk::ip4_address to, const std::vector<std::byte>& text) {
    auto connection = co_await (co_await os[uk::port::stream].connect(to, 7));
    co_await (co_await connection.write(text));
    co_return {};
}

struct outcome {
    bool whole = false;
    bool returned = false;
    std::uint64_t trace = 0;
    uk::instant end;
};

outcome transfer(std::uint64_t seed, const uk::sim::quality& link, std::size_t octets) {
    uk::sim::world w(seed);
    uk::sim::seat left(w, 0);
    uk::sim::seat right(w, 1);
    uk::sim::wire cables(w);
    cables.join(left, right, link, link);
    auto a = std::make_unique<host>(left);
    auto b = std::make_unique<host>(right);
    left.switch_on(*a);
    right.switch_on(*b);

    std::vector<std::byte> text(octets);
    for (std::size_t i = 0; i < octets; ++i) text[i] = static_cast<std::byte>(i * 31 >> 3);
    std::vector<std::byte> got;
    CHECK(take_all(*b, got).detach());
    CHECK(send_all(*a, uk::sim::address_of(1), text).detach());
    while (w.step(uk::instant::never())) {}
    outcome o{.whole = got == text, .trace = w.trace(), .end = w.now()};
    const std::size_t all = uk::packet_limits{}.buffers;
    o.returned = (*a)[uk::port::packets].store().available() == all &&
                 (*b)[uk::port::packets].store().available() == all && (*a)[uk::port::stream].in_use() == 0 &&
                 (*b)[uk::port::stream].in_use() == 0;
    return o;
}

}  // namespace

TEST_CASE("two hosts exchange text over a perfect link, and the world comes to rest") {
    const outcome o = transfer(1, {.bits_per_second = 100'000'000, .delay = 1ms}, 200'000);
    CHECK(o.whole);
    CHECK(o.returned);
    CHECK(o.end > uk::instant{} + 10s);  // TIME-WAIT
}

TEST_CASE("the same seed gives the same trace, another seed another one") {
    const uk::sim::quality lossy{.delay = 5ms, .loss = 100'000};
    const outcome first = transfer(7, lossy, 50'000);
    CHECK(first.whole);
    CHECK(first.returned);
    CHECK(transfer(7, lossy, 50'000).trace == first.trace);
    CHECK(transfer(8, lossy, 50'000).trace != first.trace);
}
