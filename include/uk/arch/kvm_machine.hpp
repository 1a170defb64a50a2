// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/x86.hpp>
#include <uk/check.hpp>

#include <cstddef>
#include <cstdint>

/// Maps the 2 MiB pages around a physical range at their own addresses: uncached, writable, not executable. Again for a
/// range that is mapped is no error. False where that cannot be: the range wraps, passes 2^46, or shares a page with
/// the image. Panics when the spare tables (enough for several devices) are used up. Defined in src/boot/kvm/map.cpp.
extern "C" bool uk_map_device(std::uint64_t physical, std::size_t size);

/// Handler of the wake vector, in src/boot/kvm/wake.S. Never called; whoever needs it gets the step of the boot that
/// installs it.
extern "C" void uk_wake();

/// What the parts of the kvm platform share: device memory and the interrupt controllers (Intel SDM 3A chapter 11,
/// 82093AA IOAPIC). Interrupts are off except inside the clock's idle().
namespace uk::kvm {

/// The one vector of all devices and of the timer, and the one of spurious interrupts; as in wake.S.
inline constexpr std::uint32_t wake_vector = 0x20;
inline constexpr std::uint32_t spurious_vector = 0x2f;

/// Where the local APIC is at reset, and where start_apic() puts it.
inline constexpr std::uint64_t apic_base = 0xfee0'0000;

namespace apic {
inline constexpr unsigned id = 0x20;
inline constexpr unsigned task_priority = 0x80;
inline constexpr unsigned spurious = 0xf0;
inline constexpr unsigned lvt_timer = 0x320;
inline constexpr unsigned lvt_lint0 = 0x350;
inline constexpr unsigned lvt_lint1 = 0x360;
inline constexpr unsigned lvt_error = 0x370;
inline constexpr unsigned initial_count = 0x380;
inline constexpr unsigned current_count = 0x390;
inline constexpr unsigned divide = 0x3e0;

inline constexpr std::uint32_t masked = 1 << 16;
inline constexpr std::uint32_t deliver_nmi = 4 << 8;
inline constexpr std::uint32_t tsc_deadline = 2 << 17;
inline constexpr std::uint32_t divide_by_1 = 11;
}  // namespace apic

/// A device register of 32 bits, at a mapped address.
inline volatile std::uint32_t& device_register(std::uint64_t address) {
    return *reinterpret_cast<volatile std::uint32_t*>(address);
}
/// A register of the local APIC; only after start_apic().
inline volatile std::uint32_t& apic_register(unsigned offset) { return device_register(apic_base + offset); }

/// Enables the local APIC in its memory-mapped form; again is no error.
[[gnu::noinline]] inline void start_apic() {
    asm volatile(".reloc ., R_X86_64_NONE, %c0" ::"i"(&uk_wake));  // links wake.S, and costs no octet
    check(uk_map_device(apic_base, 4096), "the APIC lies in the image");

    constexpr std::uint32_t base_msr = 0x1b;
    constexpr std::uint64_t boot_cpu = 1 << 8, x2apic = 1 << 10, enabled = 1 << 11;
    const std::uint64_t found = x86::read_msr(base_msr);
    // x2APIC mode can only be left through "disabled" (11.12.5).
    if ((found & x2apic) != 0) x86::write_msr(base_msr, found & ~(x2apic | enabled));
    x86::write_msr(base_msr, apic_base | (found & boot_cpu) | enabled);

    // The software enable first: while it is 0, LVT entries stay masked (11.4.7.2).
    apic_register(apic::spurious) = 1 << 8 | spurious_vector;
    apic_register(apic::task_priority) = 0;
    apic_register(apic::lvt_lint0) = apic::masked;  // the 8259s
    apic_register(apic::lvt_lint1) = apic::deliver_nmi;
    apic_register(apic::lvt_error) = apic::masked;
}

}  // namespace uk::kvm
