// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/port.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <vector>

/// A machine for tests with PCI functions and MMIO windows in plain memory: registers that only remember.
namespace fake {

/// Device memory, at an address that the bus knows it by.
struct region {
    std::uint64_t base;
    alignas(16) std::array<std::byte, 0x2000> octets{};

    explicit region(std::uint64_t at) : base(at) {}
    template <class T>
    void put(std::size_t offset, T value) {
        std::memcpy(&octets[offset], &value, sizeof(T));
    }
    template <class T>
    T at(std::size_t offset) const {
        T value;
        std::memcpy(&value, &octets[offset], sizeof(T));
        return value;
    }
};

/// The configuration space of a PCI function, with BARs that have sizes.
struct function {
    std::array<std::uint32_t, 64> words{};
    std::array<std::uint32_t, 7> bar_masks{};  // which bits of a BAR can be written; the last one is none
    int sized_while_decoding = 0;

    std::uint32_t& operator[](unsigned offset) { return words.at(offset / 4); }

    void write(unsigned offset, std::uint32_t value) {
        if (offset >= 0x10 && offset < 0x2c) {
            const std::uint32_t mask = bar_masks.at((offset - 0x10) / 4);
            if ((words[1] & 3) != 0) ++sized_while_decoding;
            words[offset / 4] = (value & mask) | (words[offset / 4] & ~mask & 0xf);
        } else if (offset == 4) {
            // The status half is cleared by ones.
            words[1] = (words[1] & ~value & 0xffff'0000) | (value & 0xffff);
        } else {
            words.at(offset / 4) = value;
        }
    }
};

struct bus {
    bool pci = true;
    std::map<std::uint32_t, function> functions;
    std::vector<uk::mmio_slot> slots;
    std::size_t claimed_slots = 0;  // beyond those that there are
    std::vector<region*> regions;
    region* elsewhere = nullptr;  // what all other addresses lead to: nothing but the driver's own checks stops it
    std::vector<std::uint32_t> woken;
    int reads = 0;

    bool has_pci() { return pci; }
    std::uint32_t config_read(std::uint32_t bdf, unsigned offset) {
        ++reads;
        const auto f = functions.find(bdf);
        if (f == functions.end() || offset >= 256 || offset % 4 != 0) {
            bad_offsets += offset >= 256 || offset % 4 != 0;
            return 0xffff'ffff;
        }
        return f->second.words[offset / 4];
    }
    void config_write(std::uint32_t bdf, unsigned offset, std::uint32_t value) {
        functions.at(bdf).write(offset, value);
    }
    uk::msi_message wake_message() { return {0x1'fee0'1000, 0x20}; }
    std::size_t mmio_slots(std::span<uk::mmio_slot> out) {
        std::size_t n = 0;
        for (; n < slots.size() && n < out.size(); ++n) out[n] = slots[n];
        return slots.size() + claimed_slots;
    }
    void wake_on(std::uint32_t irq) { woken.push_back(irq); }
    volatile std::byte* map(std::uint64_t physical, std::size_t size) {
        for (region* r : regions) {
            if (physical >= r->base && physical - r->base + size <= r->octets.size()) {
                return r->octets.data() + (physical - r->base);
            }
        }
        return elsewhere != nullptr ? elsewhere->octets.data() : nullptr;
    }
    std::uint64_t dma_address(const volatile void* p) const { return reinterpret_cast<std::uint64_t>(p); }

    int bad_offsets = 0;
};

/// What a transport asks of a stack.
struct bus_os {
    fake::bus bus;

    auto& operator[](uk::port::pci_port) { return bus; }
    auto& operator[](uk::port::mmio_port) { return bus; }
};

/// The start of an MMIO device's registers.
inline void make_mmio(region& r, std::size_t at, std::uint32_t type, std::uint32_t version = 2) {
    r.put<std::uint32_t>(at, 0x74726976);
    r.put<std::uint32_t>(at + 4, version);
    r.put<std::uint32_t>(at + 8, type);
}

/// A modern PCI device as QEMU makes it: 64-bit BAR 4 of 16 KiB cut to what the region holds, MSI-X in BAR 1.
inline function make_pci(std::uint32_t id, std::uint64_t bar4 = 0x8'0000'0000, std::uint32_t bar1 = 0xfebd'0000) {
    function f;
    f[0x00] = id << 16 | 0x1af4;
    f[0x04] = 0x0010'0003;
    f[0x14] = bar1;
    f.bar_masks[1] = 0xffff'f000;
    f[0x20] = static_cast<std::uint32_t>(bar4) | 0xc;
    f[0x24] = static_cast<std::uint32_t>(bar4 >> 32);
    f.bar_masks[4] = 0xffff'e000;
    f.bar_masks[5] = 0xffff'ffff;
    f[0x34] = 0x40;
    const auto capability = [&](unsigned at, unsigned next, std::uint32_t kind, std::uint32_t offset) {
        f[at] = kind << 24 | 20u << 16 | next << 8 | 9;
        f[at + 4] = 4;
        f[at + 8] = offset;
        f[at + 12] = 0x400;
    };
    capability(0x40, 0x54, 1, 0x000);
    capability(0x54, 0x64, 3, 0x400);
    capability(0x64, 0x74, 4, 0x800);
    capability(0x74, 0x98, 2, 0xc00);
    f[0x84] = 4;  // notify_off_multiplier
    f[0x98] = 2u << 16 | 0x11;
    f[0x9c] = 0x801;  // BAR 1, offset 0x800
    return f;
}

}  // namespace fake
