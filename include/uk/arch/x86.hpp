// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Instructions of x86-64 that C++ has no word for. Names and numbers are those of the Intel SDM.
namespace uk::x86 {

inline void out8(std::uint16_t port, std::uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
inline void out32(std::uint16_t port, std::uint32_t value) { asm volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

inline std::uint8_t in8(std::uint16_t port) {
    std::uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline std::uint32_t in32(std::uint16_t port) {
    std::uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

struct cpuid_result {
    std::uint32_t eax, ebx, ecx, edx;
};
/// `leaf` must not exceed the maximum that the CPU states in leaf 0, 0x40000000 or 0x80000000.
inline cpuid_result cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    cpuid_result r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

inline std::uint64_t read_msr(std::uint32_t number) {
    std::uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return std::uint64_t{high} << 32 | low;
}
inline void write_msr(std::uint32_t number, std::uint64_t value) {
    asm volatile("wrmsr" ::"c"(number), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}

inline std::uint64_t read_tsc() {
    std::uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t{high} << 32 | low;
}

inline std::uint64_t read_cr0() {
    std::uint64_t value;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
inline void write_cr0(std::uint64_t value) { asm volatile("mov %0, %%cr0" ::"r"(value) : "memory"); }
inline std::uint64_t read_cr2() {
    std::uint64_t value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

/// One random word, if the CPU has one ready.
inline bool read_random(std::uint64_t& word) {
    bool ok;
    asm volatile("rdrand %0" : "=r"(word), "=@ccc"(ok));
    return ok;
}
inline bool read_seed(std::uint64_t& word) {
    bool ok;
    asm volatile("rdseed %0" : "=r"(word), "=@ccc"(ok));
    return ok;
}

/// All earlier stores are visible before any later load or store, to devices too.
inline void fence() { asm volatile("mfence" ::: "memory"); }

/// A hint in a loop that polls.
inline void pause() { asm volatile("pause"); }

/// Halts until an interrupt, which is taken here and nowhere else: interrupts are off before and after. `sti` holds
/// them back for one more instruction, so none is lost between the two.
inline void wait_for_interrupt() { asm volatile("sti; hlt; cli" ::: "memory"); }

/// `a * b / divisor` without overflow in between; the quotient must fit into 64 bits.
inline std::uint64_t multiply_divide(std::uint64_t a, std::uint64_t b, std::uint64_t divisor) {
    std::uint64_t low, high;
    asm("mulq %3" : "=a"(low), "=d"(high) : "a"(a), "r"(b) : "cc");
    asm("divq %2" : "+a"(low), "+d"(high) : "r"(divisor) : "cc");
    return low;
}

/// `a * b >> 32` without overflow in between, saturating at the largest value.
inline std::uint64_t multiply_shift(std::uint64_t a, std::uint64_t b) {
    std::uint64_t low, high;
    asm("mulq %3" : "=a"(low), "=d"(high) : "a"(a), "r"(b) : "cc");
    return high >> 32 != 0 ? ~std::uint64_t{0} : high << 32 | low >> 32;
}

/// Resets the machine by an exception that has no handler.
[[noreturn]] inline void triple_fault() {
    for (;;) asm volatile("push $0; push $0; lidt (%rsp); ud2");
}

}  // namespace uk::x86
