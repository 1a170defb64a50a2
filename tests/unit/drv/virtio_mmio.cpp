// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_mmio.hpp>

#include "virtio_fake_bus.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using namespace uk::drv;

namespace {

struct rig {
    fake::bus_os os;
    fake::region memory{0xfeb0'0000};
    virtio_mmio::device_type device;

    rig() {
        os.bus.regions = {&memory};
        for (std::uint32_t i = 0; i < 8; ++i) os.bus.slots.push_back({0xfeb0'0000 + 512 * i, 512, 16 + i});
    }
    void find(virtio_type type = virtio_type::network, bool wakes = true) {
        virtio_mmio::find(os, type, wakes, device);
    }
};

}  // namespace

TEST_CASE("the device of the wanted type is found among others, and its line wakes the machine") {
    rig r;
    fake::make_mmio(r.memory, 512 * 2, 4);
    fake::make_mmio(r.memory, 512 * 5, 1);
    fake::make_mmio(r.memory, 512 * 6, 1);
    SUBCASE("network") {
        r.find();
        REQUIRE(r.device);
        CHECK(r.os.bus.woken == std::vector<std::uint32_t>{21});
        r.device.write(virtio_reg::status, 5);
        CHECK(r.memory.at<std::uint32_t>(512 * 5 + 0x70) == 5);
        r.memory.put<std::uint8_t>(512 * 5 + 0x1ff, 7);
        CHECK(r.device.config<std::uint8_t>(0xff) == 7);
        CHECK(r.device.config<std::uint8_t>(0x100) == 0);
    }
    SUBCASE("entropy, which needs no waking") {
        r.find(virtio_type::entropy, false);
        REQUIRE(r.device);
        CHECK(r.os.bus.woken.empty());
    }
}

TEST_CASE("empty windows, strangers and legacy devices are told apart") {
    rig r;
    SUBCASE("nothing there") {
        r.find();
        CHECK(r.device.lack() == virtio_lack::device);
    }
    SUBCASE("no window at all") {
        r.os.bus.slots.clear();
        r.find();
        CHECK(r.device.lack() == virtio_lack::device);
    }
    SUBCASE("no magic") {
        fake::make_mmio(r.memory, 0, 1);
        r.memory.put<std::uint32_t>(0, 0xffff'ffff);
        r.find();
        CHECK(r.device.lack() == virtio_lack::device);
    }
    SUBCASE("only a legacy one") {
        fake::make_mmio(r.memory, 0, 1, 1);
        r.find();
        CHECK(r.device.lack() == virtio_lack::modern);
    }
    SUBCASE("a legacy one and a modern one") {
        fake::make_mmio(r.memory, 0, 1, 1);
        fake::make_mmio(r.memory, 512, 1, 2);
        r.find();
        CHECK(r.device);
    }
    CHECK(r.os.bus.woken.size() == (r.device ? 1 : 0));
}

TEST_CASE("windows that cannot be are passed over") {
    rig r;
    fake::region elsewhere{0};
    fake::make_mmio(elsewhere, 0, 1);
    r.os.bus.elsewhere = &elsewhere;
    fake::make_mmio(r.memory, 512 * 7, 1);
    fake::make_mmio(r.memory, 512 * 5 + 1, 1);
    r.os.bus.slots[0] = {0xfeb0'0e00, 0xff, 1};     // too small for the registers
    r.os.bus.slots[1] = {0xfeb0'0a01, 512, 1};     // not aligned
    r.find();
    REQUIRE(r.device);
    CHECK(r.os.bus.woken == std::vector<std::uint32_t>{23});
}

TEST_CASE("a window that cannot be mapped is passed over") {
    rig r;
    fake::make_mmio(r.memory, 512 * 7, 1);
    r.os.bus.slots[2] = {0x1234'0000, 512, 1};
    r.find();
    REQUIRE(r.device);
    CHECK(r.os.bus.woken == std::vector<std::uint32_t>{23});
}

TEST_CASE("a bus that knows more windows than fit is believed as far as they fit") {
    rig r;
    r.os.bus.slots.resize(32, {0xfeb0'0000, 512, 9});
    r.os.bus.claimed_slots = 1000;
    r.find();
    CHECK(!r.device);
}
