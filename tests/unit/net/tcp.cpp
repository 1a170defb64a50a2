// SPDX-License-Identifier: BSL-1.0
#include "tcp_world.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

using namespace uk::literals;
using uk::net::tcp_connection;
using uk::net::tcp_count;
using uk::net::tcp_listener;
using world::network;

namespace {

using host = world::host<>;

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
uk::task<> receive_all(Host&, tcp_connection& c, outcome& o, unsigned salt) {
    while (true) {
        auto got = co_await c.read();
        if (!got) {
            o.read_error = got.error();
            break;
        }
        for (std::byte b : got->contents()) o.intact &= b == world::pattern(o.received++, salt);
    }
    o.done = true;
    co_return {};
}

template <class Host>
uk::task<> send_all(Host&, tcp_connection& c, outcome& o, std::uint64_t octets, std::size_t step, unsigned salt) {
    std::vector<std::byte> chunk;
    for (std::uint64_t at = 0; at < octets;) {
        chunk.clear();
        while (chunk.size() < step && at < octets) chunk.push_back(world::pattern(at++, salt));
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
    tcp_connection c = co_await co_await listener.accept();
    if (!receive_all(os, c, o, 1).detach()) co_return uk::fail(uk::error::no_memory);
    co_await co_await send_all(os, c, o, octets, 5000, 2);
    while (!o.done) co_await uk::sleep(10ms);
    co_return {};
}

template <class Host>
uk::task<> visit(Host& os, uk::ip4_address to, std::uint16_t port, outcome& o, std::uint64_t octets) {
    tcp_connection c = co_await co_await os.net().connect(to, port);
    if (!receive_all(os, c, o, 2).detach()) co_return uk::fail(uk::error::no_memory);
    co_await co_await send_all(os, c, o, octets, 3000, 1);
    while (!o.done) co_await uk::sleep(10ms);
    co_return {};
}

template <class Left, class Right>
void everything_back(network& n, Left& left, Right& right) {
    world::pass(n, 5min, left, right);
    CHECK(left.net().in_use() == 0);
    CHECK(right.net().in_use() == 0);
    CHECK(left.free_buffers() == Left::buffers);
    CHECK(right.free_buffers() == Right::buffers);
}

void transfer(std::uint64_t seed, unsigned loss, unsigned reorder, unsigned doubling, std::uint64_t octets) {
    CAPTURE(seed);
    CAPTURE(loss);
    network n(seed);
    n.delay = 5ms;
    host left(world::left_address);
    host right(world::right_address);
    outcome l;
    outcome r;
    REQUIRE(serve_once(right, 80, r, octets).detach());
    world::pass(n, 1ms, left, right);
    n.loss = loss;
    n.reorder = reorder;
    n.doubling = doubling;
    REQUIRE(visit(left, world::right_address, 80, l, octets).detach());
    CHECK(world::run(n, 8h, [&] { return l.all() && r.all(); }, left, right));
    CHECK(l.intact);
    CHECK(r.intact);
    CHECK(l.received == octets);
    CHECK(r.received == octets);
    CHECK(l.read_error == uk::error::closed);
    CHECK(r.read_error == uk::error::closed);
    MESSAGE("seed " << seed << " loss " << loss << "/1000: " << n.now.ns / 1'000'000 << " ms, " << n.sent << " segments, "
                    << left.count(tcp_count::timeouts) << "+" << right.count(tcp_count::timeouts) << " timeouts, "
                    << left.count(tcp_count::fast_retransmits) << "+" << right.count(tcp_count::fast_retransmits)
                    << " fast retransmits");
    n.loss = 0;
    everything_back(n, left, right);
    CHECK(left.scheduler().failed_tasks == 0);
    CHECK(right.scheduler().failed_tasks == 0);
    CHECK(left.scheduler().frames.used() == 0);
}

}  // namespace

TEST_CASE("a megabyte each way, at once, unharmed") {
    for (unsigned loss : {0U, 50U, 200U}) transfer(42 + loss, loss, 0, 0, 1'000'000);
}

TEST_CASE("small transfers under all troubles, many seeds") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) transfer(seed, 20 * (seed % 8), 150, 50, 30'000);
}
