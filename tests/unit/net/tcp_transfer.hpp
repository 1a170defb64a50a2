// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tcp_world.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

/// Whole transfers between two hosts of tcp_world.hpp.
namespace world {

/// What a side of a test did.
struct outcome {
    std::uint64_t received = 0;
    bool intact = true;
    bool sent_all = false;
    bool done = false;
    std::optional<uk::error> read_error;
    std::optional<uk::error> write_error;
    bool all() const { return done && sent_all; }
};

template <class Host>
uk::task<> receive_all(Host&, uk::net::tcp_connection& c, outcome& o, unsigned salt) {
    while (true) {
        auto got = co_await c.read();
        if (!got) {
            o.read_error = got.error();
            break;
        }
        for (std::byte b : got->contents()) o.intact &= b == pattern(o.received++, salt);
    }
    o.done = true;
    co_return {};
}

template <class Host>
uk::task<> send_all(Host&, uk::net::tcp_connection& c, outcome& o, std::uint64_t octets, std::size_t step,
                    unsigned salt) {
    std::vector<std::byte> chunk;
    for (std::uint64_t at = 0; at < octets;) {
        chunk.clear();
        while (chunk.size() < step && at < octets) chunk.push_back(pattern(at++, salt));
        const auto written = co_await c.write(chunk);
        if (!written) {
            o.write_error = written.error();
            co_return {};
        }
    }
    c.shutdown();
    o.sent_all = true;
    co_return {};
}

template <class Host>
uk::task<> serve_once(Host& os, std::uint16_t port, outcome& o, std::uint64_t octets) {
    auto listener = co_await os.net().listen(port);
    uk::net::tcp_connection c = co_await co_await listener.accept();
    if (!receive_all(os, c, o, 1).detach()) co_return uk::fail(uk::error::no_memory);
    co_await co_await send_all(os, c, o, octets, 5000, 2);
    while (!o.done) co_await uk::sleep(10ms);
    co_return {};
}

template <class Host>
uk::task<> visit(Host& os, uk::ip4_address to, std::uint16_t port, outcome& o, std::uint64_t octets) {
    uk::net::tcp_connection c = co_await co_await os.net().connect(to, port);
    if (!receive_all(os, c, o, 2).detach()) co_return uk::fail(uk::error::no_memory);
    co_await co_await send_all(os, c, o, octets, 3000, 1);
    while (!o.done) co_await uk::sleep(10ms);
    co_return {};
}

template <class Left, class Right>
void everything_back(network& n, Left& left, Right& right) {
    pass(n, 5min, left, right);
    CHECK(left.net().in_use() == 0);
    CHECK(right.net().in_use() == 0);
    CHECK(left.free_buffers() == Left::buffers);
    CHECK(right.free_buffers() == Right::buffers);
}

/// What the network between the two does, per mille but for the seed.
struct troubles {
    std::uint64_t seed = 1;
    unsigned loss = 0;
    unsigned reorder = 0;
    unsigned doubling = 0;
    uk::duration delay = 5ms;
    unsigned marks = 0;
};

/// `octets` each way at once between a fresh pair, and all memory back afterwards. Says how long the octets took, and
/// lets `look` see both ends before they go.
template <class Left, class Right, class Look>
uk::duration transfer(const troubles& t, std::uint64_t octets, Look look) {
    CAPTURE(t.seed);
    CAPTURE(t.loss);
    network n(t.seed);
    n.delay = t.delay;
    // Too large for the thread's stack.
    const auto left_memory = std::make_unique<Left>(left_address);
    const auto right_memory = std::make_unique<Right>(right_address);
    Left& left = *left_memory;
    Right& right = *right_memory;
    outcome l;
    outcome r;
    REQUIRE(serve_once(right, 80, r, octets).detach());
    pass(n, 1ms, left, right);
    n.loss = t.loss;
    n.reorder = t.reorder;
    n.doubling = t.doubling;
    n.marks = t.marks;
    const uk::instant began = n.now;
    REQUIRE(visit(left, right_address, 80, l, octets).detach());
    CHECK(run(n, 8h, [&] { return l.all() && r.all(); }, left, right));
    const uk::duration took = n.now - began;
    CHECK(l.intact);
    CHECK(r.intact);
    CHECK(l.received == octets);
    CHECK(r.received == octets);
    CHECK(l.read_error == uk::error::closed);
    CHECK(r.read_error == uk::error::closed);
    n.loss = 0;
    everything_back(n, left, right);
    CHECK(left.scheduler().failed_tasks == 0);
    CHECK(right.scheduler().failed_tasks == 0);
    CHECK(left.scheduler().frames.used() == 0);
    look(left, right);
    return took;
}

template <class Left, class Right>
uk::duration transfer(const troubles& t, std::uint64_t octets) {
    return transfer<Left, Right>(t, octets, [](auto&, auto&) {});
}

}  // namespace world
