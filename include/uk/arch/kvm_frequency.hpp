// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/x86.hpp>

#include <cstdint>

/// How long a cycle of the time-stamp counter is. All lengths are in nanoseconds, 32.32 fixed point; 0 for "unknown".
namespace uk::kvm {

inline std::uint64_t cycle_length_of(std::uint64_t hertz) {
    return hertz == 0 ? 0 : x86::multiply_divide(1'000'000'000, std::uint64_t{1} << 32, hertz);
}

/// From KVM's clock page (Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW), read once: exact to the
/// host's own calibration.
inline std::uint64_t cycle_length_of_kvm() {
    struct alignas(32) clock_page {
        std::uint32_t version, padding;
        std::uint64_t tsc, time;
        std::uint32_t multiplier;  // nanoseconds per shifted cycle, 0.32 fixed point
        std::int8_t shift;
        std::uint8_t flags, more[2];
    };
    constexpr std::uint32_t system_time_msr = 0x4b56'4d01;
    clock_page page;
    page.multiplier = 0;
    page.shift = 0;
    x86::write_msr(system_time_msr, reinterpret_cast<std::uint64_t>(&page) | 1);  // filled on return from this
    x86::write_msr(system_time_msr, 0);
    const int down = 32 - page.shift;
    return down < 1 || down > 63 ? 0 : std::uint64_t{page.multiplier} << 32 >> down;
}

/// What the hypervisor says in CPUID: KVM's clock, or the rate in kHz in the leaf that several hypervisors share.
inline std::uint64_t cycle_length_of_hypervisor() {
    if (x86::cpuid(1).ecx >> 31 == 0) return 0;
    const x86::cpuid_result top = x86::cpuid(0x4000'0000);
    if (top.eax >= 0x4000'0010 && top.eax < 0x4001'0000) {
        const std::uint32_t kilohertz = x86::cpuid(0x4000'0010).eax;
        if (kilohertz != 0) return cycle_length_of(std::uint64_t{kilohertz} * 1000);
    }
    const bool is_kvm = top.ebx == 0x4b4d'564b;  // "KVMK", of "KVMKVMKVM": no other one begins like that
    return is_kvm && (x86::cpuid(0x4000'0001).eax >> 3 & 1) != 0 ? cycle_length_of_kvm() : 0;
}

/// From the crystal in CPUID leaf 0x15 (Intel SDM 3A, 19.7.3); exact where the CPU states the crystal's rate.
inline std::uint64_t cycle_length_of_crystal() {
    if (x86::cpuid(0).eax < 0x15) return 0;
    const x86::cpuid_result ratio = x86::cpuid(0x15);
    return ratio.eax == 0 ? 0 : cycle_length_of(std::uint64_t{ratio.ecx} * ratio.ebx / ratio.eax);
}

/// A moment on both counters.
struct timer_sample {
    std::uint64_t cycles;
    std::uint16_t ticks;  // counts down

    /// Reads channel 0 of the 8254. Of a few readings the one that was interrupted least: a hypervisor may stop the CPU
    /// at every access.
    static timer_sample take() {
        timer_sample best{};
        std::uint64_t shortest = ~std::uint64_t{0};
        for (int i = 0; i < 4; ++i) {
            const std::uint64_t before = x86::read_tsc();
            x86::out8(0x43, 0x00);  // latch
            const std::uint64_t took = x86::read_tsc() - before;
            const unsigned low = x86::in8(0x40), high = x86::in8(0x40);
            if (took >= shortest) continue;
            shortest = took;
            best = {before + took / 2, static_cast<std::uint16_t>(high << 8 | low)};
        }
        return best;
    }
};

/// Measured against channel 0 of the 8254, which then stands still, for `window` ticks. The error is that of two
/// samples, a microsecond or two on hardware and a few under a hypervisor: some parts in a thousand. 0 without an 8254.
[[gnu::noinline]] inline std::uint64_t cycle_length_by_timer() {
    constexpr std::uint64_t tick_hertz = 1'193'182;
    constexpr std::uint16_t window = 1193;  // 1 ms
    constexpr int patience = 20'000;        // samples, each of a microsecond at least

    x86::out8(0x43, 0x34);  // rate generator, wraps after 65536 ticks or 55 ms
    x86::out8(0x40, 0);
    x86::out8(0x40, 0);
    timer_sample::take();  // the count is loaded with the timer's next pulse: what this reads may be old
    timer_sample first = timer_sample::take(), last = first;
    int retries = 10;
    std::uint16_t ticks = 0;
    for (int left = patience; left != 0; --left) {
        const timer_sample now = timer_sample::take();
        ticks = static_cast<std::uint16_t>(first.ticks - now.ticks);
        const std::uint64_t gap = now.cycles - last.cycles;
        last = now;
        if (ticks < window) continue;
        // A long gap may hide a wrap: the host ran something else meanwhile.
        if (gap <= (now.cycles - first.cycles) / 2 || retries-- == 0) break;
        first = now;
        ticks = 0;
    }
    x86::out8(0x43, 0x30);  // waits for a count that never comes
    if (ticks < window) return 0;
    return x86::multiply_divide(std::uint64_t{ticks} * 1'000'000'000 / tick_hertz, std::uint64_t{1} << 32,
                                last.cycles - first.cycles);
}

/// The best source that there is. The nominal frequency of leaf 0x16 comes last: it is rounded to 1 MHz or worse.
inline std::uint64_t cycle_length() {
    if (const auto length = cycle_length_of_hypervisor(); length != 0) return length;
    if (const auto length = cycle_length_of_crystal(); length != 0) return length;
    if (const auto length = cycle_length_by_timer(); length != 0) return length;
    return x86::cpuid(0).eax < 0x16 ? 0 : cycle_length_of(std::uint64_t{x86::cpuid(0x16).eax & 0xffff} * 1'000'000);
}

}  // namespace uk::kvm
