// SPDX-License-Identifier: BSL-1.0
// The one interrupt of all devices and of the timer. It does nothing but end the `hlt` in the clock's idle(): whoever
// wakes polls its rings. Linked only where uk_wake is needed: a step of the boot (see entry.S) and its handlers.

        .section .text.boot.1.wake, "axG", @progbits, uk_wake_group
        .code32
        mov $0xff, %al                          // both 8259 masked: interrupts come through the APIC only
        out %al, $0x21
        out %al, $0xa1
        mov $0x8e00, %edx                       // interrupt gate on the current stack
        mov $uk_wake, %eax
        mov $uk_idt + 0x20 * 16, %edi
        call uk_gate
        mov $uk_spurious, %eax
        mov $uk_idt + 0x2f * 16, %edi
        call uk_gate

        .section .text.wake, "axG", @progbits, uk_wake_group
        .code64
        .globl uk_wake
uk_wake:
        push %rax
        mov $0xfee000b0, %eax                   // end of interrupt (Intel SDM 3A, 11.8.5)
        movl $0, (%rax)
        pop %rax
uk_spurious:                                    // a spurious interrupt wants no end (11.9)
        iretq

        .section .note.GNU-stack, "", @progbits
