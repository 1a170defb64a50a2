// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/kvm_machine.hpp>
#include <uk/arch/x86.hpp>
#include <uk/check.hpp>

#include <cstddef>
#include <cstdint>

using table = std::uint64_t[512];

extern "C" table uk_pml4;  // link.ld

namespace {

constexpr std::uint64_t present = 1 << 0, writable = 1 << 1, write_through = 1 << 3, uncached = 1 << 4, large = 1 << 7;
constexpr std::uint64_t address_bits = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t large_page = 2 << 20;
constexpr std::uint64_t limit = std::uint64_t{1} << 46;

// One for the devices below 4 GiB, the others for device memory above: a directory for each GiB that is touched, and
// one table for each 512 GiB. They lie with the other tables, read-only to the rest of the program.
constexpr unsigned spare_count = 4;
alignas(4096) [[gnu::section(".bss.uk_spare_tables")]] table spare[spare_count];
[[gnu::section(".bss.uk_boot.spare")]] unsigned used;

table& below(std::uint64_t& entry) {
    if ((entry & present) == 0) {
        uk::check(used != spare_count, "device memory needs more page tables", "boot/kvm/map.cpp");
        entry = reinterpret_cast<std::uint64_t>(&spare[used++]) | present | writable;
    }
    return *reinterpret_cast<table*>(entry & address_bits);
}

}  // namespace

bool uk_map_device(std::uint64_t physical, std::size_t size) {
    namespace x86 = uk::x86;
    if (size > limit || physical > limit - size) return false;
    const std::uint64_t no_execution = (x86::read_msr(0xc000'0080) & 1 << 11) << 52;  // EFER.NXE; entry's bit 63
    const std::uint64_t protection = x86::read_cr0();
    x86::write_cr0(protection & ~(std::uint64_t{1} << 16));  // WP
    bool ok = true;
    for (std::uint64_t page = physical & ~(large_page - 1); ok && page < physical + size; page += large_page) {
        std::uint64_t& entry = below(below(uk_pml4[page >> 39])[page >> 30 & 511])[page >> 21 & 511];
        // PCD and PWT select the uncached type of the reset PAT (Intel SDM 3A, table 12-12).
        const std::uint64_t leaf = page | no_execution | large | uncached | write_through | writable | present;
        if (entry == 0) entry = leaf;
        // The CPU sets accessed and dirty (bits 5 and 6) by itself.
        ok = (entry & ~std::uint64_t{0x60}) == leaf;
    }
    x86::write_cr0(protection);
    return ok;
}
