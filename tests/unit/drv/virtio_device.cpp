// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_device.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

using namespace uk::drv;

namespace {

struct memory {
    alignas(16) std::array<std::byte, 512> octets{};

    virtio_window window(std::uint32_t size) { return {octets.data(), size}; }
    template <class T>
    T at(std::size_t offset) const {
        T value;
        std::memcpy(&value, &octets[offset], sizeof(T));
        return value;
    }
};

template <virtio_reach Reach>
void check_mmio() {
    memory m;
    virtio_device<Reach> d;
    CHECK(!d);
    d.open_mmio(m.window(0x108));
    CHECK(d);
    d.write(virtio_reg::status, 0x1'0003);
    CHECK(m.at<std::uint32_t>(0x70) == 0x1'0003);
    CHECK(d.read(virtio_reg::status) == 0x1'0003);
    d.write(virtio_reg::queue_address(2, 1), 7);
    CHECK(m.at<std::uint32_t>(0xa4) == 7);
    d.acknowledge();
    CHECK(m.at<std::uint32_t>(0x64) == 3);
    CHECK(d.wake_by_queue(true));
    const auto before = m.octets;
    d.wake_by_config();
    CHECK(m.octets == before);
    const auto bell = d.doorbell(5);
    REQUIRE(bell);
    m.octets.fill(std::byte{0xff});
    bell.ring();
    CHECK(m.at<std::uint32_t>(0x50) == 5);
    m.octets[0x104] = std::byte{0x34};
    m.octets[0x105] = std::byte{0x12};
    CHECK(d.template config<std::uint16_t>(4) == 0x1234);
    CHECK(d.template config<std::uint16_t>(6) == 0xffff);
    CHECK(d.template config<std::uint16_t>(8) == 0);
    CHECK(d.template config<std::uint8_t>(8) == 0);
}

template <virtio_reach Reach>
void check_pci() {
    memory common, notify, config;
    common.octets.fill(std::byte{0xaa});
    virtio_device<Reach> d;
    d.open_pci(common.window(0x38), notify.window(16), 4, config.window(6));
    CHECK(d);
    // Each register by its own width, its neighbours untouched.
    d.write(virtio_reg::status, 3);
    CHECK(common.at<std::uint32_t>(0x14) == 0xaaaa'aa03);
    CHECK(d.read(virtio_reg::status) == 3);
    d.write(virtio_reg::queue_select, 1);
    CHECK(common.at<std::uint32_t>(0x14) == 0x0001'aa03);
    d.write(virtio_reg::queue_address(1, 1), 0x1234'5678);
    CHECK(common.at<std::uint32_t>(0x2c) == 0x1234'5678);
    CHECK(common.at<std::uint32_t>(0x30) == 0xaaaa'aaaa);
    CHECK(d.wake_by_queue(true));
    CHECK(common.at<std::uint16_t>(0x1a) == 0);
    CHECK(d.wake_by_queue(false));
    CHECK(common.at<std::uint16_t>(0x1a) == 0xffff);
    d.wake_by_config();
    CHECK(common.at<std::uint32_t>(0x10) == 0xaaaa'0000);
    const auto before = common.octets;
    d.acknowledge();
    CHECK(common.octets == before);
    config.octets.fill(std::byte{0xff});
    CHECK(d.template config<std::uint16_t>(4) == 0xffff);
    CHECK(d.template config<std::uint16_t>(10) == 0);
}

}  // namespace

TEST_CASE("virtio_device reaches the MMIO layout") {
    check_mmio<virtio_reach::mmio>();
    check_mmio<virtio_reach::either>();
}

TEST_CASE("virtio_device reaches the PCI layout") {
    check_pci<virtio_reach::pci>();
    check_pci<virtio_reach::either>();
}

TEST_CASE("a PCI doorbell lies inside of its window, or is none") {
    memory common, notify;
    struct {
        std::uint16_t queue_offset;
        std::uint32_t step, size;
        bool good;
    } const cases[] = {
        {0, 4, 2, true},      {3, 4, 14, true},     {3, 4, 13, false},          {1, 0, 2, true},
        {0, 0, 1, false},     {1, 3, 512, false},   {0xffff, 4, 512, false},    {0xffff, 0xffff'fffe, 512, false},
        {2, 0x8000'0000, 512, false},
    };
    for (const auto& c : cases) {
        CAPTURE(c.queue_offset);
        CAPTURE(c.step);
        virtio_device<virtio_reach::pci> d;
        d.open_pci(common.window(0x38), notify.window(c.size), c.step, {});
        std::memcpy(&common.octets[0x1e], &c.queue_offset, 2);
        const auto bell = d.doorbell(9);
        REQUIRE(static_cast<bool>(bell) == c.good);
        if (!c.good) continue;
        notify.octets.fill(std::byte{0xff});
        bell.ring();
        CHECK(notify.at<std::uint16_t>(c.queue_offset * c.step) == 9);
        CHECK(notify.at<std::uint16_t>(c.queue_offset * c.step + 2) == 0xffff);
    }
}
