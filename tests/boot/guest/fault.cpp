// SPDX-License-Identifier: BSL-1.0
// On the smallest machine: does what is allowed, says A, does one thing that stops the machine, and never says B. The
// tests read the lines below: each mode's console must match its `expect`, and the backtrace with names its `resolve`.
// {symbol} is an address of the image, {line:word} the line that ends with that word as its comment.

#include "mode.hpp"

#include <uk/check.hpp>
#include <uk/uk.hpp>

#include <cstdint>
#include <string_view>

// clang-format off
// expect-panic: ^A\npanic: it broke\nbacktrace:( 0x[0-9a-f]+){3,}\n$
// resolve-panic: from .*break_it\(\) at tests/boot/guest/fault\.cpp:{line:panics}\n(.*\n)*.*from .*pass_on\(\) at
// expect-check: ^A\npanic: it does not hold\nbacktrace: 0x
// resolve-check: from .*hold_it\(int\) at tests/boot/guest/fault\.cpp:{line:checks}\b

// Error codes of a page fault: 1 the page is there, 2 a write, 16 an instruction fetch (Intel SDM 3A, 4.7).
// expect-write-text: #PF at rip 0x[0-9a-f]+ address {uk_image_start} error 0x3\n
// expect-write-own-text: #PF at rip 0x[0-9a-f]+ address {_Z3appR7machine} error 0x3\n
// expect-write-constants: #PF at rip 0x[0-9a-f]+ address {uk_rodata_start} error 0x3\n
// expect-write-idt: #PF at rip 0x[0-9a-f]+ address {uk_idt} error 0x3\n
// expect-write-tss: #PF at rip 0x[0-9a-f]+ address {uk_tss} error 0x3\n
// expect-write-upper-tables: #PF at rip 0x[0-9a-f]+ address {uk_pml4} error 0x3\n
// expect-write-lower-tables: #PF at rip 0x[0-9a-f]+ address {uk_pt} error 0x2\n
// resolve-write-text: ^  at \S+ .*write\(.*\) at tests/boot/guest/fault\.cpp:\d+.*\n(.*\n)*.*run_mode\(
// expect-execute-constants: #PF at rip {uk_rodata_start} address {uk_rodata_start} error 0x11\n
// expect-execute-data: #PF at rip (0x[0-9a-f]+) address \1 error 0x11\n
// expect-execute-zeroed-data: #PF at rip (0x[0-9a-f]+) address \1 error 0x11\n
// expect-execute-stack: #PF at rip (0x[0-9a-f]+) address \1 error 0x11\n
// resolve-execute-stack: from .*execute\(.*\) at tests/boot/guest/fault\.cpp:\d+.*\n(.*\n)*.*run_mode\(
// expect-read-0: #PF at rip 0x[0-9a-f]+ address 0x0 error 0x0\n
// expect-write-0: #PF at rip 0x[0-9a-f]+ address 0x0 error 0x2\n
// expect-execute-0: #PF at rip 0x0 address 0x0 error 0x10\n
// expect-read-ffff: #PF at rip 0x[0-9a-f]+ address 0xffff error 0x0\n
// expect-write-ffff: #PF at rip 0x[0-9a-f]+ address 0xffff error 0x2\n
// expect-execute-ffff: #PF at rip 0xffff address 0xffff error 0x10\n
// expect-read-above: #PF at rip 0x[0-9a-f]+ address 0x[0-9a-f]+000 error 0x0\n

// The report needs a stack: it is another one.
// expect-overflow: #PF at rip 0x[0-9a-f]+ address {uk_stack_start-8} error 0x2\n(.*\n)*.* rsp {uk_stack_start}\b
// expect-recursion: #PF at rip 0x[0-9a-f]+ address 0x[0-9a-f]+ error 0x2\n(.*\n)*backtrace:( 0x[0-9a-f]+){17}\n
// resolve-recursion: (from .*recurse\(.*\) at tests/boot/guest/fault\.cpp:\d+\n.*){10}
// expect-no-stack: #PF at rip 0x[0-9a-f]+ address 0xfffffffffffffff8 error 0x2\n(.*\n)*.* rsp 0x0\b

// expect-invalid-opcode: #UD at rip 0x[0-9a-f]+\nrax 0xa0 rcx 0xa1 rdx 0xa2 rbx 0xa3 rsp 0x[0-9a-f]+ rbp 0xa5 rsi 0xa6 rdi 0xa7\nr8  0xa8 r9  0xa9 r10 0xaa r11 0xab r12 0xac r13 0xad r14 0xae r15 0xaf\nbacktrace: 0x
// expect-not-canonical: #GP at rip 0x[0-9a-f]+ error 0x0\n
// expect-no-gate: #GP at rip 0x[0-9a-f]+ error 0x(182|302)\n
// (0x182 by Intel SDM 3A, 6.13; QEMU's own emulation counts entries of 16 octets.)
// expect-divide: #DE at rip 0x[0-9a-f]+\n
// resolve-divide: ^  at \S+ .*divide\(.*\) at tests/boot/guest/fault\.cpp:\d+
// expect-breakpoint: #BP at rip 0x[0-9a-f]+\n
// clang-format on

struct machine : uk::stack<uk::target> {};

extern "C" unsigned char uk_image_start[], uk_rodata_start[], uk_idt[], uk_tss[], uk_pml4[], uk_pt[], uk_image_end[];
int app(machine& os);

namespace {

using address = volatile unsigned char*;

constexpr unsigned char return_opcode = 0xc3;
unsigned char data[16] = {return_opcode};
unsigned char zeroed_data[16];

address at(std::uint64_t number) { return reinterpret_cast<address>(number); }

// By hand, so that the optimizer has no opinion on what is not defined.
[[gnu::noinline]] void read(address where) {
    unsigned char value;
    asm volatile("movb (%1), %0" : "=q"(value) : "r"(where) : "memory");
}
[[gnu::noinline]] void write(address where) { asm volatile("movb $0xc3, (%0)" ::"r"(where) : "memory"); }
[[gnu::noinline]] void execute(address where) { asm volatile("call *%0; nop" ::"r"(where) : "memory"); }

[[gnu::noinline]] void break_it() { uk::panic("it broke"); }  // panics
[[gnu::noinline]] void pass_on() {
    break_it();
    asm volatile("");
}
[[gnu::noinline]] void hold_it(int value) {
    uk::check(value == 1, "it does not hold");  // checks
}

[[gnu::noinline]] int recurse(volatile int* outer) {
    volatile int own[40];
    own[0] = *outer + 1;
    return own[0] == 0 ? 0 : recurse(own) + own[0];
}
[[gnu::noinline]] int divide(int a, int b) {
    asm volatile("cltd; idivl %1" : "+a"(a) : "r"(b) : "edx", "cc");
    return a;
}
[[gnu::noinline]] void invalid_opcode() {
    asm volatile("mov $0xa0, %%eax; mov $0xa1, %%ecx; mov $0xa2, %%edx; mov $0xa3, %%ebx; mov $0xa5, %%ebp;"
                 "mov $0xa6, %%esi; mov $0xa7, %%edi; mov $0xa8, %%r8d; mov $0xa9, %%r9d; mov $0xaa, %%r10d;"
                 "mov $0xab, %%r11d; mov $0xac, %%r12d; mov $0xad, %%r13d; mov $0xae, %%r14d; mov $0xaf, %%r15d; ud2" ::
                     : "memory");
}

void nothing() {}

// What must work, or a fault below would show nothing.
void do_what_is_allowed() {
    unsigned char on_stack[16];
    for (address where : {data, zeroed_data, on_stack}) write(where);
    for (address where : {uk_image_start, uk_rodata_start, data, uk_idt, uk_pml4}) read(where);
    execute(reinterpret_cast<address>(&nothing));
    hold_it(1);
}

void run_memory_mode(std::string_view what, address where) {
    if (what == "read")
        read(where);
    else if (what == "write")
        write(where);
    else if (what == "execute")
        execute(where);
}

address place_of(std::string_view name, address on_stack) {
    if (name == "text") return uk_image_start;
    if (name == "own-text") return reinterpret_cast<address>(&app);
    if (name == "constants") return uk_rodata_start;
    if (name == "idt") return uk_idt;
    if (name == "tss") return uk_tss;
    if (name == "upper-tables") return uk_pml4;
    if (name == "lower-tables") return uk_pt;
    if (name == "data") return data;
    if (name == "zeroed-data") return zeroed_data;
    if (name == "stack") return on_stack;
    if (name == "ffff") return at(0xffff);
    // The first page above the image, in memory that the machine has.
    if (name == "above") return at((reinterpret_cast<std::uint64_t>(uk_image_end) + 4095) & ~std::uint64_t{4095});
    return at(0);
}

[[gnu::noinline]] void run_mode(std::string_view name) {
    unsigned char on_stack[16];
    write(on_stack);
    const auto dash = name.find('-');
    const std::string_view what = name.substr(0, dash);
    volatile int zero = 0;
    if (name == "panic")
        pass_on();
    else if (name == "check")
        hold_it(zero);
    else if (what == "read" || what == "write" || what == "execute")
        run_memory_mode(what, place_of(name.substr(dash + 1), on_stack));
    else if (name == "overflow")
        asm volatile("1: call 1b");
    else if (name == "recursion")
        zero = recurse(&zero);
    else if (name == "no-stack")
        asm volatile("xor %%esp, %%esp; push %%rax" ::: "memory");
    else if (name == "invalid-opcode")
        invalid_opcode();
    else if (name == "not-canonical")
        read(at(std::uint64_t{1} << 63));
    else if (name == "no-gate")
        asm volatile("int $0x30");
    else if (name == "divide")
        zero = divide(1, zero);
    else if (name == "breakpoint")
        asm volatile("int3");
    asm volatile("" ::: "memory");
}

}  // namespace

int app(machine& os) {
    // `exit-N` ends with status N.
    if (mode().starts_with("exit-")) return mode().back() - '0';
    do_what_is_allowed();
    os[uk::port::console].print("A\n");
    run_mode(mode());
    os[uk::port::console].print("B\n");
    return 0;
}

int main() { return uk::run<machine>(app); }
