// SPDX-License-Identifier: BSL-1.0
// Exceptions 0 to 21, all on the fault stack (IST 1). The gate of vector v leads to uk_faults + 2 v, in a slide of
// 22 pairs of pushes. Where the slide ends, the depth of the stack tells both the vector (two words for each that was
// slid over) and whether the CPU pushed an error code (an odd word): see uk_fault in panic.cpp.

        .section .text.trap, "ax"
        .globl uk_faults
uk_faults:
        .fill 22 * 2, 1, 0x50                   // push %rax
        push %r15
        push %r14
        push %r13
        push %r12
        push %r11
        push %r10
        push %r9
        push %r8
        push %rdi
        push %rsi
        push %rbp
        push %rsp
        push %rbx
        push %rdx
        push %rcx
        push %rax
        mov %rsp, %rdi
        and $-16, %rsp
        call uk_fault

        .section .bss.uk_boot.fault_stack, "aw", @nobits
        .balign 16
        .skip 2048
        .globl uk_fault_stack_top
uk_fault_stack_top:

        .section .note.GNU-stack, "", @progbits
