// SPDX-License-Identifier: BSL-1.0
#include <uk/arch/kvm_serial.hpp>
#include <uk/arch/x86.hpp>
#include <uk/check.hpp>

#include <cstddef>
#include <cstdint>

using uk::kvm::serial_write;

// From link.ld and entry.S.
extern "C" {
extern const unsigned char uk_image_start[], uk_text_end[], uk_image_end[];
extern const std::uint64_t uk_stack_start[], uk_stack_top[], uk_fault_stack_top[];
}

namespace {

constexpr int status = 127;
constexpr unsigned vectors = 22;  // as in trap.S

void put(const char* text) {
    for (; *text != '\0'; ++text) serial_write({text, 1});
}

// Writes `label`, which ends with 0x, and the number in hexadecimal.
[[gnu::noinline]] void put(const char* label, std::uint64_t value) {
    put(label);
    char digits[16];
    char* at = digits + sizeof digits;
    do {
        *--at = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value != 0);
    serial_write({at, digits + sizeof digits});
}

// True if a call ends at `next`: near relative, or indirect through a register or memory with at most 8 bits of
// displacement (Intel SDM 2A, CALL: opcodes E8 and FF /2).
bool follows_call(const unsigned char* next) {
    return next[-5] == 0xe8 || (next[-2] == 0xff && (next[-1] & 0x38) == 0x10) ||
           (next[-3] == 0xff && (next[-2] & 0x38) == 0x10);
}

// Lists what looks like return addresses on the main stack from `from` upwards, the innermost first, and stops. There
// are no frame pointers to follow, so an address that an earlier call left behind may be among them.
[[noreturn, gnu::noinline]] void backtrace_and_stop(std::uint64_t from, std::uint64_t first) {
    put("\nbacktrace: 0x", first);
    auto word = reinterpret_cast<const std::uint64_t*>(from & ~std::uint64_t{7});
    if (word < uk_stack_start) word = uk_stack_start;
    for (unsigned left = 16; word < uk_stack_top && left != 0; ++word) {
        const auto next = reinterpret_cast<const unsigned char*>(*word);
        if (next < uk_image_start + 5 || next > uk_text_end || !follows_call(next)) continue;
        put(" 0x", *word);
        --left;
    }
    put("\n");
    uk_stop(status);
}

// A panic inside a panic stops without words.
void begin(const char* words) {
    [[gnu::section(".bss.uk_boot.panic")]] static bool speaking;
    if (speaking) uk_stop(status);
    speaking = true;
    put(words);
}

}  // namespace

extern "C" void uk_panic(const char* reason, const char*, unsigned) {
    begin("panic: ");
    put(reason);
    // Above the saved frame pointer and the return address.
    backtrace_and_stop(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)) + 16,
                       reinterpret_cast<std::uint64_t>(__builtin_return_address(0)));
}

/// Called by entry.S instead of main: the loader's memory map does not hold the image.
extern "C" [[noreturn]] void uk_no_memory() {
    put("panic: needs memory up to 0x", reinterpret_cast<std::uint64_t>(uk_image_end));
    put("\n");
    uk_stop(status);
}

/// Called by trap.S on the fault stack with the sixteen general registers in the order of their encoding.
extern "C" [[noreturn]] void uk_fault(const std::uint64_t* registers) {
    const std::uint64_t* const frame = uk_fault_stack_top - 5;  // rip, cs, rflags, rsp, ss
    const auto words = static_cast<unsigned>(frame - registers - 16);
    const unsigned vector = vectors - words / 2;
    begin("panic: #");
    // Mnemonics of Intel SDM 3A, table 6-1; NI is the non-maskable interrupt.
    serial_write({&"DEDBNIBPOFBRUDNMDFCSTSNPSSGPPF--MFACMCXMVECP"[2 * vector], 2});
    put(" at rip 0x", frame[0]);
    if (vector == 14) put(" address 0x", uk::x86::read_cr2());
    if (words % 2 != 0) put(" error 0x", frame[-1]);
    for (unsigned i = 0; i < 16; ++i) {
        put(i % 8 == 0 ? "\nr" : " r");
        serial_write({&"axcxdxbxspbpsidi8 9 101112131415"[2 * i], 2});
        put(" 0x", i == 4 ? frame[3] : registers[i]);
    }
    backtrace_and_stop(frame[3], frame[0]);
}

extern "C" void uk_stop(int code) {
    namespace x86 = uk::x86;
    x86::out8(0x501, static_cast<std::uint8_t>(code));  // QEMU's isa-debug-exit: leaves with 2 * code + 1
    x86::out8(0x64, 0xfe);                              // keyboard controller: pulse the reset line
    x86::triple_fault();
}
