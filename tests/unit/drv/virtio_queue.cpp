// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_queue.hpp>

#include "virtio_fake.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <span>

using namespace uk::drv;

namespace {

template <bool Events>
struct rig_with {
    fake::card card;
    fake::device device{&card};
    virtio_queue<8, fake::bell, Events> queue;
    virtio_ring_faults faults;
    fake::queue& other = card.queues[1];

    bool set_up(bool wakes = true) {
        const auto dma = [](const volatile void* p) { return reinterpret_cast<std::uint64_t>(p); };
        return queue.set_up(device, 1, wakes, dma);
    }
    std::uint16_t add(std::uint64_t address = 0x1000) {
        const std::array<virtio_piece, 1> one{{{address, 64, true}}};
        return queue.add(one);
    }
    /// The device takes all that is there and gives it back.
    void serve() {
        while (other.waiting() != 0) other.give(other.take(), 1);
    }
};
using rig = rig_with<false>;

/// With event indices, agreed on.
struct event_rig : rig_with<true> {
    explicit event_rig(bool wakes = true) {
        card.accepted = virtio_feature::event_index;
        queue.use_events(true);
        REQUIRE(set_up(wakes));
    }
};

}  // namespace

TEST_CASE("a queue takes the size that both sides can hold") {
    struct {
        std::uint32_t most;
        std::uint16_t size;
    } const cases[] = {{1, 1}, {2, 2}, {3, 2}, {7, 4}, {8, 8}, {9, 8}, {256, 8}, {65535, 8}, {0xffff'ffff, 8}};
    for (const auto& c : cases) {
        rig r;
        r.other.most = c.most;
        CHECK(r.set_up());
        CHECK(r.queue.size() == c.size);
        CHECK(r.queue.room() == c.size);
        CHECK(r.other.size == c.size);
        CHECK(r.other.enabled == 1);
    }
}

TEST_CASE("a queue of size zero, or without its vector, is refused") {
    rig r;
    r.other.most = 0;
    CHECK(!r.set_up());
    CHECK(r.other.enabled == 0);
    rig s;
    s.card.has_vectors = false;
    CHECK(!s.set_up(true));
    CHECK(s.other.enabled == 0);
    rig t;
    t.card.has_vectors = false;
    CHECK(t.set_up(false));
}

TEST_CASE("the rings are aligned as section 2.7 wants them, and say whether to interrupt") {
    rig r;
    REQUIRE(r.set_up(true));
    CHECK(r.other.descriptors % 16 == 0);
    CHECK(r.other.available % 2 == 0);
    CHECK(r.other.used % 4 == 0);
    CHECK(r.other.wakes);
    CHECK(r.other.driver_flags() == 0);
    rig s;
    REQUIRE(s.set_up(false));
    CHECK(!s.other.wakes);
    CHECK(s.other.driver_flags() == 1);
}

TEST_CASE("pieces become a chain of descriptors that the device can follow") {
    rig r;
    REQUIRE(r.set_up());
    const std::array<virtio_piece, 3> three{{{0x1'0000'0010, 12, false}, {0x20, 34, false}, {0x30, 56, true}}};
    const auto id = r.queue.add(three);
    CHECK(r.queue.room() == 5);
    CHECK(r.queue.outstanding() == 1);
    REQUIRE(r.other.waiting() == 1);
    CHECK(r.other.take() == id);
    const auto pieces = r.other.pieces(id);
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0].address == 0x1'0000'0010);
    CHECK(pieces[0].length == 12);
    CHECK(pieces[0].flags == 1);
    CHECK(pieces[1].length == 34);
    CHECK(pieces[1].flags == 1);
    CHECK(pieces[2].address == 0x30);
    CHECK(pieces[2].flags == 2);
    r.other.give(id, 5);
    const auto used = r.queue.take(r.faults);
    REQUIRE(used);
    CHECK(used->id == id);
    CHECK(used->length == 5);
    CHECK(r.queue.room() == 8);
    CHECK(r.queue.outstanding() == 0);
    CHECK(!r.queue.take(r.faults));
}

TEST_CASE("buffers come back in any order, over many turns of the 16-bit indices") {
    rig r;
    REQUIRE(r.set_up());
    for (int round = 0; round < 40'000; ++round) {
        const std::array<virtio_piece, 2> two{{{1, 1, false}, {2, 2, false}}};
        const auto a = r.queue.add(two);
        const auto b = r.add(3);
        const auto c = r.queue.add(two);
        REQUIRE(r.queue.room() == 3);
        REQUIRE(r.other.waiting() == 3);
        REQUIRE(r.other.take() == a);
        REQUIRE(r.other.take() == b);
        REQUIRE(r.other.take() == c);
        REQUIRE(r.other.pieces(b).size() == 1);
        REQUIRE(r.other.pieces(c).size() == 2);
        for (const auto id : {b, c, a}) r.other.give(id, id);
        for (const auto id : {b, c, a}) {
            const auto used = r.queue.take(r.faults);
            REQUIRE(used);
            REQUIRE(used->id == id);
            REQUIRE(used->length == id);
        }
        REQUIRE(r.queue.room() == 8);
    }
    CHECK(r.faults.bad_id == 0);
    CHECK(r.faults.bad_index == 0);
}

TEST_CASE("a used id that the device cannot have is counted and dropped, and the next one still counts") {
    rig r;
    REQUIRE(r.set_up());
    const auto a = r.add();
    const auto b = r.add();
    for (int i = 0; i < 3; ++i) r.add();
    SUBCASE("beyond the queue") { r.other.give(8, 64); }
    SUBCASE("far beyond the queue") { r.other.give(0xffff'ffff, 64); }
    SUBCASE("one that equals a good one in its lower half") { r.other.give(0x1'0000u | a, 64); }
    SUBCASE("never handed out") { r.other.give(7, 64); }
    r.other.give(b, 10);
    const auto used = r.queue.take(r.faults);
    REQUIRE(used);
    CHECK(used->id == b);
    CHECK(r.faults.bad_id == 1);
    CHECK(!r.queue.broken());
}

TEST_CASE("an id that is given back twice counts once") {
    rig r;
    REQUIRE(r.set_up());
    const auto a = r.add();
    const auto b = r.add();
    r.other.give(a, 1);
    r.other.give(a, 1);
    CHECK(r.queue.take(r.faults)->id == a);
    CHECK(!r.queue.take(r.faults));
    CHECK(r.faults.bad_id == 1);
    r.other.give(b, 1);
    CHECK(r.queue.take(r.faults)->id == b);
    CHECK(r.queue.room() == 8);
}

TEST_CASE("the middle of a chain is no id") {
    rig r;
    REQUIRE(r.set_up());
    const std::array<virtio_piece, 2> two{{{1, 1, false}, {2, 2, false}}};
    const auto id = r.queue.add(two);
    r.other.give(id + 1u, 1);
    CHECK(!r.queue.take(r.faults));
    CHECK(r.faults.bad_id == 1);
    CHECK(r.queue.room() == 6);
}

TEST_CASE("an index beyond what the device has breaks the queue, once and for good") {
    constexpr std::uint16_t jumps[]{3, 9, 0x8000, 0xffff};
    for (const std::uint16_t jump : jumps) {
        rig r;
        REQUIRE(r.set_up());
        const auto a = r.add();
        r.add();
        r.other.jump(jump);
        CHECK(!r.queue.take(r.faults));
        CHECK(r.queue.broken());
        r.other.give(a, 1);
        CHECK(!r.queue.take(r.faults));
        CHECK(r.faults.bad_index == 1);
    }
}

TEST_CASE("what the device writes over the ring memory does not reach the driver's own state") {
    rig r;
    REQUIRE(r.set_up());
    const std::array<virtio_piece, 2> two{{{1, 1, false}, {2, 2, false}}};
    const auto id = r.queue.add(two);
    std::memset(reinterpret_cast<void*>(r.other.descriptors), 0xff, 8 * 16);
    std::memset(reinterpret_cast<void*>(r.other.available), 0xff, 4 + 2 * 8);
    r.other.give(id, 1);
    CHECK(r.queue.take(r.faults)->id == id);
    CHECK(r.queue.room() == 8);
    for (int i = 0; i < 8; ++i) CHECK(r.add() < 8);
    CHECK(r.queue.room() == 0);
    CHECK(fake::queue::at<std::uint16_t>(r.other.available + 2) == 9);
}

TEST_CASE("the doorbell rings once for all that is new, and not at all for nothing") {
    rig r;
    REQUIRE(r.set_up());
    r.queue.announce();
    CHECK(r.other.rings == 0);
    r.add();
    r.add();
    CHECK(r.other.rings == 0);
    r.queue.announce();
    r.queue.announce();
    CHECK(r.other.rings == 1);
}

TEST_CASE("a device that does not want to know is looked at twice") {
    rig r;
    REQUIRE(r.set_up());
    r.other.set_flags(1);
    r.add();
    r.queue.announce();
    CHECK(r.other.rings == 0);
    SUBCASE("it changed its mind") {
        r.other.set_flags(0);
        r.queue.announce();
        CHECK(r.other.rings == 1);
    }
    SUBCASE("it did not") {
        r.queue.announce();
        r.other.set_flags(0);
        r.queue.announce();
        CHECK(r.other.rings == 0);
    }
}

TEST_CASE("an index passes an event as section 2.7.10 has it") {
    // The next entry is number `from`: an event at that number is passed by one more.
    CHECK(virtio_passes(5, 5, 6));
    CHECK(!virtio_passes(5, 4, 5));
    CHECK(!virtio_passes(5, 6, 7));
    CHECK(virtio_passes(5, 2, 9));
    CHECK(!virtio_passes(5, 5, 5));
    CHECK(virtio_passes(0xffff, 0xfffe, 1));
    CHECK(virtio_passes(0, 0xfffe, 1));
    CHECK(!virtio_passes(1, 0xfffe, 1));
    CHECK(!virtio_passes(0xfffd, 0xfffe, 1));
}

TEST_CASE("event indices lie behind the rings, and nothing overlaps") {
    event_rig r;
    CHECK(r.other.used % 4 == 0);
    CHECK(r.other.used >= r.other.available + 4 + 2 * 8 + 2);
    CHECK(r.other.driver_flags() == 0);
    // The device writes its own, and the driver's state behind it stays.
    const auto id = r.add();
    fake::queue::put<std::uint16_t>(r.other.used + 4 + 8 * 8, 0xffff);
    r.serve();
    CHECK(r.queue.take(r.faults)->id == id);
    for (int i = 0; i < 8; ++i) CHECK(r.add() < 8);
    CHECK(r.queue.room() == 0);
}

TEST_CASE("a device with event indices is told when it asked to be, whatever its flag says") {
    event_rig r;
    r.other.set_flags(1);
    for (unsigned round = 0; round < 70'000; ++round) {
        r.other.rings = 0;
        r.add();
        r.add();
        r.queue.announce();
        REQUIRE(r.other.rings == 1);
        r.queue.announce();
        REQUIRE(r.other.rings == 1);
        r.serve();
        r.other.wait_for_more();
        while (r.queue.take(r.faults)) {
        }
    }
}

TEST_CASE("a device that is at work, or wants to wait for more, is not told") {
    event_rig r;
    r.add();
    r.queue.announce();
    REQUIRE(r.other.rings == 1);
    SUBCASE("at work") {
        r.add();
        r.queue.announce();
        r.queue.announce();
        CHECK(r.other.rings == 1);
    }
    SUBCASE("it waits for the third") {
        r.other.wait_for_more(2);
        for (int expected : {1, 1, 2}) {
            r.add();
            r.queue.announce();
            r.queue.announce();
            CHECK(r.other.rings == expected);
        }
    }
}

TEST_CASE("what the device asks for between two looks is not lost") {
    event_rig r;
    r.add();
    r.queue.announce();
    r.serve();
    r.other.rings = 0;
    // The device went to sleep before it saw the new buffer, but its index came too late for the first look.
    const auto seen = fake::queue::at<std::uint16_t>(r.other.available + 2);
    r.add();
    r.queue.announce();
    CHECK(r.other.rings == 0);
    fake::queue::put(r.other.used + 4 + 8 * 8, seen);
    SUBCASE("nothing new meanwhile") {}
    SUBCASE("more meanwhile") { r.add(); }
    r.queue.announce();
    CHECK(r.other.rings == 1);
    CHECK(!r.queue.unannounced());
}

TEST_CASE("a ring holds interrupts back until it is armed") {
    for (const bool events : {false, true}) {
        rig_with<true> r;
        if (events) {
            r.card.accepted = virtio_feature::event_index;
            r.queue.use_events(true);
        }
        REQUIRE(r.set_up());
        CHECK(r.queue.uses_events() == events);
        for (unsigned round = 0; round < 70'000; ++round) {
            r.other.interrupts = 0;
            r.queue.arm();
            REQUIRE(!r.queue.ready());
            r.add();
            r.serve();
            REQUIRE(r.other.interrupts == 1);
            REQUIRE(r.queue.ready());
            r.queue.hold();
            for (int i = 0; i < 3; ++i) r.add();
            r.serve();
            REQUIRE(r.other.interrupts == 1);
            while (r.queue.take(r.faults)) {
            }
        }
    }
}

TEST_CASE("a ring that never wakes has no interrupts by event indices either") {
    event_rig r(false);
    for (unsigned round = 0; round < 70'000; ++round) {
        r.add();
        r.add();
        r.serve();
        while (r.queue.take(r.faults)) {
        }
        r.queue.hold();
    }
    CHECK(r.other.interrupts == 0);
}
