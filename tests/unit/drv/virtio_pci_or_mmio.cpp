// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_pci_or_mmio.hpp>

#include "virtio_fake_bus.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace uk::drv;

namespace {

struct rig {
    fake::bus_os os;
    fake::region registers{0x8'0000'0000};
    fake::region table{0xfebd'0000};
    fake::region windows{0xfeb0'0000};
    virtio_pci_or_mmio::device_type device;

    rig() {
        os.bus.regions = {&registers, &table, &windows};
        os.bus.slots = {{0xfeb0'0000, 512, 7}};
    }
    void find() {
        virtio_pci_or_mmio::find(os, virtio_type::network, true, device);
        if (device) device.write(virtio_reg::status, 5);
    }
};

}  // namespace

TEST_CASE("PCI comes first, MMIO where there is nothing on PCI") {
    rig r;
    fake::make_mmio(r.windows, 0, 1);
    SUBCASE("both") {
        r.os.bus.functions[8] = fake::make_pci(0x1041);
        r.find();
        REQUIRE(r.device);
        CHECK(r.registers.at<std::uint8_t>(0x14) == 5);
        CHECK(r.os.bus.woken.empty());
    }
    SUBCASE("no PCI") {
        r.os.bus.pci = false;
        r.find();
        REQUIRE(r.device);
        CHECK(r.windows.at<std::uint32_t>(0x70) == 5);
        CHECK(r.os.bus.woken.size() == 1);
    }
    SUBCASE("a PCI card that cannot be used") {
        r.os.bus.functions[8] = fake::make_pci(0x1041);
        r.os.bus.functions[8][0x34] = 0;
        r.find();
        REQUIRE(r.device);
        CHECK(r.windows.at<std::uint32_t>(0x70) == 5);
        r.device.acknowledge();
        CHECK(r.windows.at<std::uint32_t>(0x64) == 3);
    }
}

TEST_CASE("what is lacking is said of the card that was there") {
    rig r;
    SUBCASE("none") {
        r.find();
        CHECK(r.device.lack() == virtio_lack::device);
    }
    SUBCASE("a PCI card without MSI-X") {
        r.os.bus.functions[8] = fake::make_pci(0x1041);
        r.os.bus.functions[8][0x74] &= 0xffff'00ff;
        r.find();
        CHECK(r.device.lack() == virtio_lack::interrupt);
    }
    SUBCASE("a legacy window") {
        fake::make_mmio(r.windows, 0, 1, 1);
        r.find();
        CHECK(r.device.lack() == virtio_lack::modern);
    }
}
