// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_pci.hpp>

#include "virtio_fake_bus.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace uk::drv;

namespace {

constexpr std::uint32_t slot_3 = 3 << 3;

struct rig {
    fake::bus_os os;
    fake::region registers{0x8'0000'0000};
    fake::region table{0xfebd'0000};
    fake::region elsewhere{0};
    virtio_pci::device_type device;

    explicit rig(std::uint32_t id = 0x1041) {
        os.bus.regions = {&registers, &table};
        os.bus.elsewhere = &elsewhere;
        os.bus.functions[0][0] = 0x1237'8086;  // a host bridge
        os.bus.functions[slot_3] = fake::make_pci(id);
    }
    fake::function& card() { return os.bus.functions[slot_3]; }
    void find(virtio_type type = virtio_type::network, bool wakes = true) { virtio_pci::find(os, type, wakes, device); }
    /// The search says what is missing, and leaves the function as the firmware set it up.
    void expect(virtio_lack lack) {
        find();
        CHECK(device.lack() == lack);
        CHECK((card()[0x04] & 0xffff) == 3);
        CHECK(os.bus.bad_offsets == 0);
        CHECK(card().sized_while_decoding == 0);
    }
};

}  // namespace

TEST_CASE("a modern network card is found, mapped, and wakes the machine by MSI-X") {
    rig r;
    r.table.put<std::uint32_t>(0x80c, 1);  // masked, as after a reset
    r.find();
    REQUIRE(r.device);
    r.device.write(virtio_reg::status, 5);
    CHECK(r.registers.at<std::uint8_t>(0x14) == 5);
    r.registers.put<std::uint8_t>(0x803, 0x42);
    CHECK(r.device.config<std::uint8_t>(3) == 0x42);
    r.registers.put<std::uint16_t>(0x1e, 1);
    r.device.doorbell(1).ring();
    CHECK(r.registers.at<std::uint16_t>(0xc04) == 1);

    CHECK(r.table.at<std::uint64_t>(0x800) == 0x1'fee0'1000);
    CHECK(r.table.at<std::uint32_t>(0x808) == 0x20);
    CHECK(r.table.at<std::uint32_t>(0x80c) == 0);
    CHECK((r.card()[0x98] & 0xc000'0000) == 0x8000'0000);
    // Memory, bus mastering, no INTx; I/O as it was. The BARs are where they were, and no status bit was cleared.
    CHECK(r.card()[0x04] == 0x0010'0407);
    CHECK(r.card()[0x20] == 0xc);
    CHECK(r.card()[0x24] == 8);
    CHECK(r.card()[0x14] == 0xfebd'0000);
    CHECK(r.card().sized_while_decoding == 0);
    CHECK(r.os.bus.bad_offsets == 0);
}

TEST_CASE("a device that need not wake the machine needs no MSI-X") {
    rig r(0x1044);
    r.card()[0x98] = 0;
    r.find(virtio_type::entropy, false);
    REQUIRE(r.device);
    CHECK(r.card()[0x98] == 0);
}

TEST_CASE("a transitional device is known by its subsystem") {
    rig r(0x1000);
    r.card()[0x2c] = 0x0001'1af4;
    r.find();
    CHECK(r.device);
    rig s(0x1000);
    s.card()[0x2c] = 0x0002'1af4;
    s.find();
    CHECK(s.device.lack() == virtio_lack::device);
}

TEST_CASE("a device behind function 0 of a device with many functions is found, and absent ones are passed over") {
    rig r;
    const auto card = r.card();
    r.os.bus.functions.erase(slot_3);
    r.os.bus.functions[31 << 3][0] = 0x1234'8086;
    SUBCASE("many") {
        r.os.bus.functions[31 << 3][0x0c] = 1 << 23;
        r.os.bus.functions[31 << 3 | 7] = card;
        r.find();
        CHECK(r.device);
    }
    SUBCASE("one") {
        r.os.bus.functions[31 << 3 | 7] = card;
        r.find();
        CHECK(r.device.lack() == virtio_lack::device);
    }
    CHECK(r.os.bus.bad_offsets == 0);
}

TEST_CASE("a second card is used where the first one cannot be") {
    rig r;
    r.os.bus.functions[4 << 3] = r.card();
    r.card()[0x34] = 0;
    r.find();
    CHECK(r.device);
}

TEST_CASE("no bus, no network card, or another vendor's") {
    rig r;
    SUBCASE("no bus") { r.os.bus.pci = false; }
    SUBCASE("other type") { r.card()[0] = 0x1042'1af4; }
    SUBCASE("other vendor") { r.card()[0] = 0x1041'8086; }
    SUBCASE("beyond the virtio range") { r.card()[0] = 0x1081'1af4; }
    r.find();
    CHECK(r.device.lack() == virtio_lack::device);
    CHECK(r.card()[0x04] == 0x0010'0003);
}

TEST_CASE("a card without MSI-X cannot wake the machine") {
    rig r;
    SUBCASE("no such capability") { r.card()[0x74] &= 0xffff'00ff; }
    SUBCASE("its table outside of its BAR") { r.card()[0x9c] = 0x1001; }
    SUBCASE("its table across the end of its BAR") { r.card()[0x9c] = 0xff9; }
    SUBCASE("its table in a BAR that is not set up") { r.card()[0x14] = 0; }
    SUBCASE("its table in no BAR") { r.card()[0x9c] = 0x807; }
    r.expect(virtio_lack::interrupt);
}

TEST_CASE("a card without capabilities speaks the legacy interface only") {
    rig r;
    r.card()[0x04] = 3;
    r.expect(virtio_lack::modern);
}

TEST_CASE("capabilities that make no sense are not used") {
    rig r;
    fake::function& f = r.card();
    SUBCASE("no list") { f[0x34] = 0; }
    SUBCASE("the list starts in the header") {
        f[0x34] = 0x28;
        f[0x28] = f[0x40];
        f[0x2c] = 4;
        f[0x30] = 0;
        f[0x34] = 0x428;
    }
    SUBCASE("a loop") { f[0x54] = (f[0x54] & 0xffff'00ff) | 0x4000; }
    SUBCASE("a loop of one") { f[0x40] = 0x4009; }
    SUBCASE("a capability over the end of the space") {
        f[0x34] = 0xf4;
        f[0xf4] = f[0x40];
    }
    SUBCASE("notifications over the end of the space") {
        f[0x64] = (f[0x64] & 0xffff'00ff) | 0xf0'00;
        f[0xf0] = f[0x74] & 0xffff'00ff;
        f[0xf4] = 4;
        f[0xf8] = 0xc00;
        f[0xfc] = 0x400;
    }
    SUBCASE("no such BAR") { f[0x44] = 6, f[0x28] = 0xfeb0'0000, f.bar_masks[6] = 0xffff'e000; }
    SUBCASE("another such") { f[0x44] = 255; }
    SUBCASE("the upper half of a BAR") { f[0x44] = 5; }
    SUBCASE("a BAR that was not set up") { f[0x20] = 0xc, f[0x24] = 0; }
    SUBCASE("an I/O BAR") { f[0x20] = 0xc001, f.bar_masks[4] = 0xffff'e000; }
    SUBCASE("a BAR without a size") { f[0x20] = 0xc, f.bar_masks[4] = 0; }
    SUBCASE("a 64-bit BAR that has no upper half") {
        f[0x44] = 5;
        f[0x24] = 0xfeb0'0004;
        f.bar_masks[5] = 0xffff'f000;
    }
    SUBCASE("an offset beyond the BAR") { f[0x48] = 0x2000; }
    SUBCASE("a length beyond the BAR") { f[0x48] = 0x1c04; }
    SUBCASE("offset and length that wrap") { f[0x48] = 0xffff'ffc0, f[0x4c] = 0x80; }
    SUBCASE("a length of everything") { f[0x4c] = 0xffff'ffff; }
    SUBCASE("an offset that is not aligned") { f[0x48] = 2; }
    SUBCASE("common registers cut short") { f[0x4c] = 0x37; }
    SUBCASE("notifications without room") { f[0x80] = 1; }
    SUBCASE("a BAR that cannot be mapped") { f[0x24] = 9, r.os.bus.elsewhere = nullptr; }
    r.expect(virtio_lack::sense);
}

TEST_CASE("the first usable capability of a kind counts, a broken one before it does not") {
    rig r;
    fake::function& f = r.card();
    f[0x98] |= 0xa8 << 8;
    f[0xa8] = f[0x40] & 0xffff'00ff;
    f[0xac] = 4;
    f[0xb0] = 0x1000;
    f[0xb4] = 0x400;
    SUBCASE("both good") {
        r.find();
        REQUIRE(r.device);
        r.device.write(virtio_reg::status, 5);
        CHECK(r.registers.at<std::uint8_t>(0x14) == 5);
    }
    SUBCASE("the first one broken") {
        f[0x44] = 6;
        r.find();
        REQUIRE(r.device);
        r.device.write(virtio_reg::status, 5);
        CHECK(r.registers.at<std::uint8_t>(0x1014) == 5);
    }
}
