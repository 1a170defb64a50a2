// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio.hpp>

#include "virtio_fake.hpp"

#include <doctest/doctest.h>

#include <concepts>
#include <cstdint>

using namespace uk::drv;

static_assert(std::same_as<detail::joined<uk::ports<uk::port::packets>, uk::ports<uk::port::pci, uk::port::mmio>>,
                           uk::ports<uk::port::packets, uk::port::pci, uk::port::mmio>>);
static_assert(std::same_as<detail::joined<uk::ports<>, uk::ports<>>, uk::ports<>>);

TEST_CASE("negotiation resets the device, reads all 64 features, and accepts what it is told to") {
    fake::card card;
    fake::device device{&card};
    card.status = 0xff;
    card.offered = 0x8765'4321'1234'5678 | virtio_feature::version_1;
    const auto offered = virtio_begin(device);
    REQUIRE(offered);
    CHECK(*offered == card.offered);
    CHECK(card.status == 3);
    CHECK(virtio_accept(device, virtio_feature::version_1 | 8));
    CHECK(card.accepted == (virtio_feature::version_1 | 8));
    CHECK(card.status == 11);
    virtio_go(device);
    CHECK(card.status == 15);
    virtio_give_up(device);
    CHECK(card.status == virtio_status::failed);
}

TEST_CASE("a device without version 1, that does not reset, or that does not agree, is not used") {
    fake::card card;
    fake::device device{&card};
    SUBCASE("legacy") {
        card.offered = 0xffff'ffff;
        CHECK(!virtio_begin(device));
    }
    SUBCASE("reset") {
        card.resets = false;
        card.status = 4;
        CHECK(!virtio_begin(device));
        CHECK(card.status_reads > 1);
    }
    SUBCASE("disagreement") {
        card.agrees = false;
        REQUIRE(virtio_begin(device));
        CHECK(!virtio_accept(device, virtio_feature::version_1));
    }
}

TEST_CASE("a configuration is read until it holds still, and not for ever") {
    fake::card card;
    fake::device device{&card};
    int reads = 0;
    const auto read = [&] { ++reads; };
    CHECK(virtio_read_config(device, read));
    CHECK(reads == 1);
    reads = 0;
    card.config_changes = 4;
    CHECK(virtio_read_config(device, read));
    CHECK(reads == 3);
    card.config_changes = 1'000'000;
    CHECK(!virtio_read_config(device, read));
    CHECK(card.config_changes > 999'000);
}
