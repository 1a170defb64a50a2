// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/kvm_command_line.hpp>
#include <uk/arch/kvm_machine.hpp>
#include <uk/arch/x86.hpp>
#include <uk/part.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace uk::kvm {

/// Where devices are and how they wake the machine: PCI by configuration mechanism 1, virtio-mmio windows named by the
/// command line or at their place on QEMU's microvm, the IOAPICs, and message-signalled interrupts.
class bus {
public:
    using needs = ports<>;
    using provides = ports<port::pci, port::mmio>;
    static constexpr std::string_view name = "kvm::bus";

    /// True where mechanism 1 answers and there is a host bridge.
    bool has_pci() {
        x86::out32(pci_address, pci_enable);
        return x86::in32(pci_address) == pci_enable && config_read(0, 0) != 0xffff'ffff;
    }

    /// `bdf` below 2^16, `offset` below 256 and a multiple of 4. All ones where there is no function.
    std::uint32_t config_read(std::uint32_t bdf, unsigned offset) {
        x86::out32(pci_address, pci_enable | bdf << 8 | offset);
        return x86::in32(pci_data);
    }
    void config_write(std::uint32_t bdf, unsigned offset, std::uint32_t value) {
        x86::out32(pci_address, pci_enable | bdf << 8 | offset);
        x86::out32(pci_data, value);
    }

    /// What an MSI-X table entry holds to end `idle` (Intel SDM 3A, 11.11: this CPU, fixed, edge).
    msi_message wake_message() {
        start_apic();
        return {apic_base | std::uint64_t{apic_register(apic::id) >> 24} << 12, wake_vector};
    }

    std::size_t mmio_slots(std::span<mmio_slot> out) {
        const std::size_t named = parse_mmio_slots(uk_command_line, out);
        if (named != 0 || has_pci()) return named;
        // QEMU, docs/system/i386/microvm.rst and hw/i386/microvm.c: with ACPI, which names them otherwise, the windows
        // end on the pins of the second IOAPIC, or on the last eight of the first where there is but one.
        const bool two = pins_of(ioapic_base + ioapic_distance) != 0;
        const std::uint32_t count = two ? 24 : 8;
        std::uint32_t i = 0;
        for (; i != count && i != out.size(); ++i) out[i] = {microvm_base + 512 * i, 512, (two ? 24 : 16) + i};
        return i;
    }

    /// Routes the pin `irq` (counted through both IOAPICs) to the wake vector, by its rising edge: a device that holds
    /// its line, such as virtio-mmio, must be acknowledged before its rings are looked at, or the next edge is missed.
    /// Does nothing for a pin that no IOAPIC has.
    void wake_on(std::uint32_t irq) {
        start_apic();
        std::uint64_t chip = ioapic_base;
        if (const std::uint32_t pins = pins_of(chip); irq >= pins) {
            irq -= pins;
            chip += ioapic_distance;
            if (irq >= pins_of(chip)) return;
        }
        ioapic(chip, 0x11 + 2 * irq) = apic_register(apic::id);  // destination, in bits 31:24 as in the APIC
        ioapic(chip, 0x10 + 2 * irq) = wake_vector;
    }

    /// Device memory at its own address, for good; null where uk_map_device() refuses.
    volatile std::byte* map(std::uint64_t physical, std::size_t size) {
        return uk_map_device(physical, size) ? reinterpret_cast<volatile std::byte*>(physical) : nullptr;
    }

    /// All memory is mapped at its physical address.
    std::uint64_t dma_address(const volatile void* p) const { return reinterpret_cast<std::uint64_t>(p); }

private:
    static constexpr std::uint16_t pci_address = 0xcf8;
    static constexpr std::uint16_t pci_data = 0xcfc;
    static constexpr std::uint32_t pci_enable = 0x8000'0000;
    static constexpr std::uint64_t ioapic_base = 0xfec0'0000;
    static constexpr std::uint64_t ioapic_distance = 0x1'0000;
    static constexpr std::uint64_t microvm_base = 0xfeb0'0000;

    static volatile std::uint32_t& ioapic(std::uint64_t chip, std::uint32_t index) {
        device_register(chip) = index;
        return device_register(chip + 0x10);
    }

    // 0 where there is no IOAPIC: its version is 0x11 or 0x20, nothing reads as all zeros or all ones.
    static std::uint32_t pins_of(std::uint64_t chip) {
        if (!uk_map_device(chip, 32)) return 0;
        const std::uint32_t version = ioapic(chip, 1);
        const std::uint32_t number = version & 0xff;
        return number < 0x10 || number > 0x2f ? 0 : (version >> 16 & 0xff) + 1;
    }
};

}  // namespace uk::kvm
