// SPDX-License-Identifier: BSL-1.0
#include <uk/packet_pieces.hpp>

#include <uk/arena.hpp>

#include <doctest/doctest.h>

#include <cstdint>

namespace {

struct pool {
    uk::raw_memory<4 * (sizeof(uk::packet_buffer) + 1664)> memory;
    uk::packet_store store{memory.all(), 1664};
};

}  // namespace

TEST_CASE("the list stands at the end of the head's buffer, wherever the window is") {
    pool p;
    uk::packet head = p.store.take();
    auto& list = uk::begin_pieces(head, 1448);
    CHECK(head.segment() == 1448);
    CHECK(reinterpret_cast<std::uintptr_t>(&list) % alignof(uk::packet_pieces) == 0);
    head.push_front(66);
    CHECK(&uk::pieces_of(head) == &list);
    head.pop_front(10);
    CHECK(&uk::pieces_of(head) == &list);
    // All headers, and a full list behind them.
    CHECK(reinterpret_cast<std::byte*>(&list) >= head.data() + head.size());
    CHECK(reinterpret_cast<std::byte*>(&list + 1) == head.data() + head.size() + head.tailroom());
    CHECK(list.count == 0);
    CHECK(list.octets == 0);
}

TEST_CASE("owners of pieces are held for as long as the card has them") {
    pool p;
    static constexpr std::byte constant[70'000]{};
    uk::packet head = p.store.take();
    auto& list = uk::begin_pieces(head, 100);
    {
        uk::packet a = p.store.take();
        const uk::packet b = p.store.take();
        uk::packet_buffer* const a_buffer = a.share().detach();
        list.add(constant, nullptr);
        list.add({a.data(), 10}, a_buffer);
        list.hold();
        uk::packet::attach(a_buffer, 0, 0);
    }
    CHECK(list.count == 2);
    CHECK(list.octets == 70'010);
    CHECK(p.store.available() == 2);
    list.let_go();
    CHECK(p.store.available() == 3);
}

TEST_CASE("a packet says of itself that it is to be cut, and a fresh one does not") {
    pool p;
    {
        uk::packet head = p.store.take();
        CHECK(head.segment() == 0);
        head.push_back(20);
        head.mark_partial_sum(0, 16);
        CHECK(head.segment() == 0);
        head.mark_segments(536);
        CHECK(head.sum() == uk::packet_sum::cut);
        CHECK(head.segment() == 536);
        CHECK(head.sum_from() == 0);
        CHECK(head.sum_field() == 16);
    }
    CHECK(p.store.take().segment() == 0);
}
