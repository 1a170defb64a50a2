// SPDX-License-Identifier: BSL-1.0
// Copies the kernel command line out of the loader's memory before that is unmapped; zero-terminated, cut off at 511
// octets. Linked only where uk_command_line is needed: a step of the boot (see entry.S).

        .section .text.boot.1.command_line, "axG", @progbits, uk_command_line_group
        .code32
        mov 24(%ebx), %esi
        test %esi, %esi
        jz 2f
        mov $uk_command_line, %edi
        mov $511, %ecx
1:      lodsb
        stosb
        test %al, %al
        loopne 1b
2:

        .section .bss.uk_boot.command_line, "awG", @nobits, uk_command_line_group
        .globl uk_command_line
uk_command_line:
        .skip 512

        .section .note.GNU-stack, "", @progbits
