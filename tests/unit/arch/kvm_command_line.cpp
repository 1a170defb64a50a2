// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/kvm_command_line.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string_view>

using uk::kvm::parse_mmio_slot;
using uk::kvm::parse_mmio_slots;

TEST_CASE("a window has size, base and interrupt") {
    const auto slot = parse_mmio_slot("512@0xfeb00e00:12");
    REQUIRE(slot.has_value());
    CHECK(slot->size == 512);
    CHECK(slot->base == 0xfeb0'0e00);
    CHECK(slot->irq == 12);
    CHECK(parse_mmio_slot("4K@0xd0000000:5")->size == 4096);
    CHECK(parse_mmio_slot("0x200@4276092928:12:7")->base == 4276092928);
}

TEST_CASE("a malformed window is none") {
    for (const std::string_view text :
         {"", "512", "512@", "512@0xfeb00e00", "512@0xfeb00e00:", "@0xfeb00e00:12", "512@0x:12", "512@0xfeb00e00:12x",
          "512@0xfeb00e00:12:", "512@0xfeb00e00:256", "512@0xfeb00e01:12", "255@0xfeb00e00:12", "3M@0xfeb00000:12",
          "99999999999999999999@0xfeb00e00:12", "18446744073709551615K@0xfeb00e00:12", "512@0x400000000000:12",
          "512@0x10000000000000000:12", "-512@0xfeb00e00:12", "512 @0xfeb00e00:12"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_mmio_slot(text).has_value());
    }
}

TEST_CASE("a command line names windows among other words") {
    std::array<uk::mmio_slot, 2> slots{};
    CHECK(parse_mmio_slots("", slots) == 0);
    CHECK(parse_mmio_slots("   virtio_mmio.device= virtio_mmio.device=x quiet", slots) == 0);
    CHECK(parse_mmio_slots(" quiet virtio_mmio.device=512@0xfeb00e00:12  virtio_mmio.device=512@0xfeb00c00:11",
                           slots) == 2);
    CHECK(slots[0].irq == 12);
    CHECK(slots[1].irq == 11);
}

TEST_CASE("no more windows than there is room for") {
    std::array<uk::mmio_slot, 1> slots{};
    CHECK(parse_mmio_slots("virtio_mmio.device=512@0x1000:1 virtio_mmio.device=512@0x2000:2", slots) == 1);
    CHECK(slots[0].base == 0x1000);
}

TEST_CASE("arguments are the words that name no device of the loader's") {
    const std::string_view line = "  http://a.b/c  virtio_mmio.device=512@0xfeb00e00:12 two virtio_mmio.device=x";
    CHECK(uk::kvm::parse_argument(line, 0) == "http://a.b/c");
    CHECK(uk::kvm::parse_argument(line, 1) == "two");
    CHECK(uk::kvm::parse_argument(line, 2).empty());
    CHECK(uk::kvm::parse_argument("one", 0) == "one");
    CHECK(uk::kvm::parse_argument("one ", 1).empty());
    for (const std::string_view none : {"", " ", "   ", "virtio_mmio.device=512@0xfeb00e00:12"}) {
        CHECK(uk::kvm::parse_argument(none, 0).empty());
    }
}
