// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_send_queue.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace net = uk::net;

namespace {

struct pool {
    static constexpr std::size_t capacity = 1664;
    explicit pool(std::size_t n) : memory(n * (sizeof(uk::packet_buffer) + capacity) / 16), store(all(), capacity) {}
    uk::writable_bytes all() { return std::as_writable_bytes(std::span(memory)); }
    struct alignas(16) block {
        std::byte octets[16];
    };
    std::vector<block> memory;
    uk::packet_store store;
};

std::string gathered(const net::tcp_send_queue& q, pool& p, std::uint32_t offset, std::uint32_t length,
                     std::size_t worth) {
    uk::outgoing out{.head = p.store.take(), .body = {}, .owner = {}};
    q.gather(offset, length, out, worth);
    return std::string(uk::as_text(out.head.contents())) + std::string(uk::as_text(out.body));
}

}  // namespace

TEST_CASE("what goes in comes out, in any cut, and is dropped from the front") {
    std::mt19937 random(3);
    pool p(12);
    std::string constant;
    for (int i = 0; i < 5000; ++i) constant += static_cast<char>('A' + i % 26);
    net::tcp_send_queue q;
    std::string model;
    char next = 'a';
    for (int step = 0; step < 4000; ++step) {
        if (random() % 3 == 0) {
            const std::string range = constant.substr(0, random() % 3000 + 1);
            if (q.append_constant(uk::as_bytes(constant).first(range.size()), p.store, 8)) model += range;
        } else {
            std::string text(random() % 2000, next);
            next = next == 'z' ? 'a' : static_cast<char>(next + 1);
            model += text.substr(0, q.append(uk::as_bytes(text), p.store, 8, 1460));
        }
        REQUIRE(q.octets() == model.size());
        if (model.empty()) continue;
        const auto offset = static_cast<std::uint32_t>(random() % model.size());
        const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(random() % 1461, model.size() - offset));
        REQUIRE(gathered(q, p, offset, length, random() % 2 == 0 ? 512 : 0) == model.substr(offset, length));
        const auto gone = static_cast<std::uint32_t>(random() % (model.size() + 1) / 2);
        q.drop(gone);
        model.erase(0, gone);
        REQUIRE(q.buffers() <= 8);
    }
    q.drop(q.octets());
    CHECK(q.octets() == 0);
    CHECK(q.buffers() == 0);
    CHECK(p.store.available() == 12);
}

TEST_CASE("limits: buffers of the connection, buffers of the pool") {
    pool p(4);
    net::tcp_send_queue q;
    const std::vector<std::byte> much(10'000);
    CHECK(q.append(much, p.store, 2, 1460) == 2 * 1460);
    CHECK(q.append_constant(much, p.store, 2));  // the last buffer has room for a range
    CHECK_FALSE(q.append_constant(much, p.store, 2));
    CHECK(q.append(much, p.store, 2, 1460) == 0);
    CHECK(q.append(much, p.store, 100, 1460) == 2 * 1460);
    CHECK(p.store.available() == 0);
    CHECK(q.append_constant(much, p.store, 100));
    CHECK_FALSE(q.append_constant(much, p.store, 100));
    q.clear();
    CHECK(p.store.available() == 4);
    CHECK(q.octets() == 0);
}

TEST_CASE("a large last piece is not copied, and its buffer outlives the queue") {
    pool p(4);
    net::tcp_send_queue q;
    const std::string text(1200, 'x');
    REQUIRE(q.append(uk::as_bytes("head"), p.store, 4, 1460) == 4);
    static const std::string constant(3000, 'c');
    REQUIRE(q.append_constant(uk::as_bytes(constant), p.store, 4));
    REQUIRE(q.append(uk::as_bytes(text), p.store, 4, 1460) == 1200);
    {
        uk::outgoing out{.head = p.store.take(), .body = {}, .owner = {}};
        q.gather(0, 1460, out, 512);
        CHECK(out.head.size() == 4);
        CHECK(out.body.data() == uk::as_bytes(constant).data());
        CHECK(out.body.size() == 1456);
        CHECK_FALSE(out.owner);
    }
    uk::outgoing out{.head = p.store.take(), .body = {}, .owner = {}};
    q.gather(3004, 1200, out, 512);
    CHECK(out.head.size() == 0);
    CHECK(out.body.size() == 1200);
    CHECK(out.owner);
    q.clear();
    CHECK(p.store.available() == 2);
    CHECK(uk::as_text(out.body) == text);
    out = {};
    CHECK(p.store.available() == 4);
}

TEST_CASE("never more than a quarter of the sequence space") {
    pool p(2);
    net::tcp_send_queue q;
    const char octet = 'x';
    const uk::bytes huge(reinterpret_cast<const std::byte*>(&octet), net::tcp_send_queue::most);
    REQUIRE(q.append_constant(huge, p.store, 2));
    CHECK_FALSE(q.append_constant(uk::as_bytes("y"), p.store, 2));
    CHECK(q.append(uk::as_bytes("y"), p.store, 2, 100) == 0);
}
