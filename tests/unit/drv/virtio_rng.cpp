// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_rng.hpp>

#include "virtio_fake.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

using namespace uk::drv;

namespace {

constexpr virtio_rng_options quick{.looks = 1000};

struct rig {
    using driver = virtio_rng<quick, fake::transport>::in<fake::os<1>>;
    fake::os<1> os;
    fake::card& card = os.card;
    fake::queue& queue = card.queues[0];
    int requests = 0;
    unsigned next = 1;
    std::uint32_t at_most = 64;               // octets that the device gives at one time
    std::optional<std::uint32_t> claims = {};  // what it says, where that is not the truth
    std::optional<std::uint32_t> id = {};
    driver rng{os};

    rig() {
        card.on_ring = [this](std::uint16_t) { answer(); };
    }
    void answer() {
        while (queue.waiting() != 0) {
            ++requests;
            const auto head = queue.take();
            const auto piece = queue.pieces(head).at(0);
            REQUIRE(piece.flags == 2);
            const std::uint32_t n = piece.length < at_most ? piece.length : at_most;
            for (std::uint32_t i = 0; i < n; ++i) piece.data()[i] = static_cast<std::byte>(next++);
            if (id) queue.give(*id, 1);
            queue.give(head, claims.value_or(n));
        }
    }
    template <std::size_t N>
    std::array<std::byte, N> ask(bool expected) {
        std::array<std::byte, N> out{};
        CHECK(rng.fill(out) == expected);
        return out;
    }
};

}  // namespace

TEST_CASE("virtio_rng fills what it is asked to fill, by several requests") {
    rig r;
    CHECK(r.card.status == 0);  // not touched before it is needed
    const auto out = r.ask<200>(true);
    for (unsigned i = 0; i < 200; ++i) CHECK(out[i] == static_cast<std::byte>(1 + i));
    CHECK(r.requests == 4);
    CHECK(r.card.status == 15);
    CHECK(r.card.accepted == virtio_feature::version_1);
    CHECK(!r.queue.wakes);
    CHECK(r.queue.driver_flags() == 1);
    std::array<std::byte, 0> nothing{};
    CHECK(r.rng.fill(nothing));
    CHECK(r.requests == 4);
}

TEST_CASE("virtio_rng takes no more than the device gave") {
    rig r;
    r.at_most = 5;
    const auto out = r.ask<12>(true);
    for (unsigned i = 0; i < 12; ++i) CHECK(out[i] == static_cast<std::byte>(1 + i));
    CHECK(r.requests == 3);
}

TEST_CASE("virtio_rng: a device that claims more than was asked for is cut, and old octets never come again") {
    rig r;
    CHECK(r.ask<64>(true)[63] == std::byte{64});
    r.claims = 0xffff'ffff;
    r.at_most = 3;
    const auto out = r.ask<16>(true);
    CHECK(out[2] == std::byte{67});
    for (unsigned i = 3; i < 16; ++i) CHECK(out[i] == std::byte{0});
}

TEST_CASE("virtio_rng: nothing given is a failure, not an endless loop") {
    rig r;
    r.claims = 0;
    r.ask<16>(false);
    CHECK(r.requests == 1);
}

TEST_CASE("virtio_rng: false ids are counted") {
    rig r;
    r.id = 77;
    // The device's index is one too many: two entries for one buffer.
    r.ask<4>(false);
    CHECK(r.rng.counters().bad_index == 1);
    CHECK(r.card.status == 0);
}

TEST_CASE("virtio_rng: a silent device is asked once, then reset and left alone") {
    rig r;
    int rings = 0;
    r.card.on_ring = [&](std::uint16_t) { ++rings; };
    r.ask<16>(false);
    CHECK(rings == 1);
    CHECK(r.card.status == 0);
    r.ask<16>(false);
    CHECK(rings == 1);
}

TEST_CASE("virtio_rng without a device, or with one that does not agree, says so each time") {
    rig r;
    SUBCASE("none") { r.card.lack = virtio_lack::device; }
    SUBCASE("legacy") { r.card.offered = 0; }
    SUBCASE("no agreement") { r.card.agrees = false; }
    SUBCASE("no queue") { r.queue.most = 0; }
    r.ask<16>(false);
    r.ask<16>(false);
    CHECK(r.requests == 0);
    CHECK((r.card.status & virtio_status::driver_ok) == 0);
}
