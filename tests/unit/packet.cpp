// SPDX-License-Identifier: BSL-1.0
#include <uk/packet.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

namespace {
struct pool {
    uk::raw_memory<4 * (sizeof(uk::packet_buffer) + 256)> memory;
    uk::packet_store store{memory.all(), 256};
};
}  // namespace

TEST_CASE("a pool gives what it has, counts what it could not give, and gets everything back") {
    pool p;
    CHECK(p.store.available() == 4);
    {
        std::vector<uk::packet> held;
        for (int i = 0; i < 4; ++i) held.push_back(p.store.take());
        CHECK(p.store.available() == 0);
        CHECK_FALSE(p.store.take());
        CHECK(p.store.exhausted() == 1);
        held.pop_back();
        CHECK(p.store.take());
    }
    CHECK(p.store.available() == 4);
}

TEST_CASE("the last buffers of a pool are for those who give them back soon") {
    for (const auto& [count, reserved] : {std::pair{4, 0}, {16, 1}, {64, 4}, {128, 8}, {256, 8}}) {
        std::vector<std::byte> memory(static_cast<std::size_t>(count) * (sizeof(uk::packet_buffer) + 256));
        uk::packet_store store(memory, 256);
        std::vector<uk::packet> held;
        while (uk::packet p = store.take_spare(7)) held.push_back(std::move(p));
        CHECK(held.front().headroom() == 7);
        CHECK(store.available() == static_cast<std::size_t>(reserved));
        CHECK_FALSE(store.has_spare());
        if (reserved != 0) CHECK(store.take());
        CHECK(store.exhausted() == 0);
        held.pop_back();
        CHECK(store.has_spare());
    }
}

TEST_CASE("headers go in front, payload behind, and both come off again") {
    pool p;
    uk::packet k = p.store.take(100);
    CHECK(k.size() == 0);
    std::memcpy(k.push_back(5).data(), "hello", 5);
    std::memcpy(k.push_front(3).data(), "hd:", 3);
    CHECK(uk::as_text(k.contents()) == "hd:hello");
    CHECK(k.headroom() == 97);
    CHECK(k.tailroom() == 256 - 105);
    k.pop_front(3);
    k.pop_back(1);
    CHECK(uk::as_text(k.contents()) == "hell");
    k.truncate(2);
    CHECK(uk::as_text(k.contents()) == "he");
    k.truncate(100);
    k.pop_front(100);
    CHECK(k.size() == 0);
}

TEST_CASE("shared buffers live until the last handle dies") {
    pool p;
    uk::packet a = p.store.take();
    CHECK(a.exclusive());
    uk::packet b = a.share();
    CHECK_FALSE(a.exclusive());
    a = {};
    CHECK(b.exclusive());
    CHECK(p.store.available() == 3);
    b = p.store.take();
    CHECK(p.store.available() == 3);
    b = {};
    CHECK(p.store.available() == 4);
    CHECK_FALSE(uk::packet{}.share());
}

TEST_CASE("a ring may remember a buffer by its record") {
    pool p;
    uk::packet_buffer* record = p.store.take(0).detach();
    CHECK(p.store.available() == 3);
    uk::packet back = uk::packet::attach(record, 10, 20);
    CHECK(back.size() == 20);
    CHECK(back.headroom() == 10);
    back = {};
    CHECK(p.store.available() == 4);
}

TEST_CASE("a fresh packet's checksum is unknown, whatever the buffer's last owner knew") {
    pool p;
    {
        uk::packet k = p.store.take(16);
        k.push_back(32);
        k.mark_sum(true);
        CHECK(k.sum_holds(6));
        CHECK(k.sum_holds(16));
        k.mark_sum(false);
        CHECK(!k.sum_holds(6));
        k.mark_partial_sum(8, 6);
    }
    CHECK(p.store.take().sum() == uk::packet_sum::unknown);
}

TEST_CASE("a partial checksum holds for the header that it belongs to, and no other") {
    pool p;
    uk::packet k = p.store.take(16);
    k.push_back(32);
    k.mark_partial_sum(8, 6);
    CHECK(k.sum_from() == 8);
    CHECK(k.sum_field() == 6);
    CHECK(!k.sum_holds(14));
    k.pop_front(8);
    CHECK(k.sum_from() == 0);
    CHECK(k.sum_holds(6));
    CHECK(!k.sum_holds(16));
    k.pop_back(4);
    CHECK(k.sum_holds(6));
    k.pop_front(2);
    CHECK(!k.sum_holds(4));
    CHECK(!k.sum_holds(6));
    k.push_front(4);
    CHECK(k.sum_from() == 2);
    k.forget_sum();
    CHECK(k.sum() == uk::packet_sum::unknown);
}

TEST_CASE("a partial checksum is completed over all that the frame had, once") {
    pool p;
    uk::packet k = p.store.take(3);
    const auto all = k.push_back(13);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(0x91 * (i + 1));
    SUBCASE("an odd number of octets") {
        std::uint32_t sum = 0;
        for (std::size_t i = 3; i < 13; i += 2) {
            // Words from octet 3 on, what the sum begins with among them.
            sum += std::to_integer<unsigned>(all[i]) << 8;
            sum += i + 1 < 13 ? std::to_integer<unsigned>(all[i + 1]) : 0;
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        k.mark_partial_sum(3, 3);
        k.pop_front(5);
        k.pop_back(4);
        k.settle_sum();
        CHECK(uk::load_be<std::uint16_t>(k.data() + 1) == (~sum & 0xffff));
        CHECK(k.sum() == uk::packet_sum::unknown);
        k.settle_sum();
        CHECK(uk::load_be<std::uint16_t>(k.data() + 1) == (~sum & 0xffff));
    }
    SUBCASE("one that comes to zero is sent as all ones") {
        std::memset(all.data(), 0, all.size());
        all[4] = all[5] = std::byte{0xff};
        k.mark_partial_sum(4, 4);
        k.settle_sum();
        CHECK(uk::load_be<std::uint16_t>(k.data() + 8) == 0xffff);
    }
    SUBCASE("another is let alone") {
        const std::vector<std::byte> before(all.begin(), all.end());
        k.mark_sum(true);
        k.settle_sum();
        CHECK(std::memcmp(before.data(), all.data(), all.size()) == 0);
    }
}

TEST_CASE("a partial checksum of a frame that fills the largest buffer") {
    uk::raw_memory<sizeof(uk::packet_buffer) + 65'520> memory;
    uk::packet_store store(memory.all(), 65'520);
    uk::packet k = store.take(0);
    std::memset(k.push_back(65'520).data(), 0, 65'520);
    k.data()[65'519] = std::byte{2};
    k.mark_partial_sum(65'516, 0);
    CHECK(k.sum_from() == 65'516);
    k.settle_sum();
    CHECK(uk::load_be<std::uint16_t>(k.data() + 65'516) == 0xfffd);
}
