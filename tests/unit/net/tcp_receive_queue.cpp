// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_receive_queue.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace net = uk::net;
using net::seq;

namespace {

struct pool {
    static constexpr std::size_t capacity = 1664;
    explicit pool(std::size_t n) : memory(n * (sizeof(uk::packet_buffer) + capacity) / 16), store(all(), capacity) {}
    uk::writable_bytes all() { return std::as_writable_bytes(std::span(memory)); }
    uk::packet text(std::string_view s) {
        uk::packet p = store.take(54);
        REQUIRE(p);
        uk::copy(p.push_back(s.size()), uk::as_bytes(s));
        return p;
    }
    struct alignas(16) block {
        std::byte octets[16];
    };
    std::vector<block> memory;
    uk::packet_store store;
};

std::string taken(net::tcp_receive_queue& q) {
    std::string all;
    while (uk::packet p = q.pop()) all += uk::as_text(p.contents());
    return all;
}

}  // namespace

TEST_CASE("in order: kept where it came, crumbs together") {
    pool p(4);
    net::tcp_receive_queue q;
    const std::string full(1460, 'f');
    uk::packet first = p.text(full);
    const std::byte* at = first.data();
    CHECK(q.append(std::move(first), {0}) == 1460);
    CHECK(q.append(p.text(full), {1460}) == 1460);
    CHECK(q.buffers() == 2);
    for (unsigned i = 0; i < 150; ++i) CHECK(q.append(p.text("c"), seq{2920} + i) == 1);
    CHECK(q.buffers() == 2);
    CHECK(q.octets() == 2 * 1460 + 150);
    CHECK(p.store.available() == 2);
    uk::packet out = q.pop();
    CHECK(out.data() == at);
    out = {};
    CHECK(taken(q) == full + std::string(150, 'c'));
    CHECK(q.octets() == 0);
    CHECK(p.store.available() == 4);
}

TEST_CASE("a thousand crumbs tie up one buffer for each 1,600 octets") {
    pool p(3);
    net::tcp_receive_queue q;
    for (unsigned i = 0; i < 3000; ++i) q.append(p.text("x"), seq{} + i);
    CHECK(q.buffers() == 2);
    CHECK(taken(q) == std::string(3000, 'x'));
}

TEST_CASE("nothing is written behind text that somebody else holds") {
    pool p(4);
    net::tcp_receive_queue q;
    uk::packet first = p.text("abc");
    const uk::packet other = first.share();
    q.append(std::move(first), {0});
    CHECK_FALSE(q.fits_behind(other));
    q.append(p.text("def"), {3});
    CHECK(q.buffers() == 2);
    CHECK(taken(q) == "abcdef");
}

TEST_CASE("early text follows when its turn comes, overlaps cut") {
    pool p(8);
    net::tcp_receive_queue q;
    q.insert(p.text("ghi"), {6});
    q.insert(p.text("defg"), {3});
    q.insert(p.text("gh"), {6});  // known
    q.insert(p.text("z"), {20});
    CHECK(q.early_buffers() == 3);
    CHECK(q.octets() == 0);
    CHECK(q.append(p.text("abc"), {0}) == 9);
    CHECK(q.early_buffers() == 1);
    q.forget_early();
    CHECK(taken(q) == "abcdefghi");
    CHECK(p.store.available() == 8);
}

TEST_CASE("any order, any overlap, across the wrap: the stream is whole") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        pool p(64);
        net::tcp_receive_queue q;
        std::string stream;
        for (int i = 0; i < 3000; ++i) stream += static_cast<char>('a' + random() % 26);
        const seq start{0xfffffc00};
        std::uint32_t have = 0;
        std::string out;
        for (int tries = 0; have < stream.size() && tries < 100'000; ++tries) {
            const auto at = static_cast<std::uint32_t>(random() % stream.size());
            const std::string text = stream.substr(at, 1 + random() % 300);
            if (at + text.size() <= have || at > have + 600) continue;
            uk::packet piece = p.text(text);
            if (at > have) {
                if (q.early_buffers() < 20) q.insert(std::move(piece), start + at);
            } else {
                piece.pop_front(have - at);
                have += q.append(std::move(piece), start + have);
            }
            if (random() % 4 == 0) out += taken(q);
        }
        out += taken(q);
        CHECK(out == stream);
        q.clear();
        CHECK(p.store.available() == 64);
    }
}
