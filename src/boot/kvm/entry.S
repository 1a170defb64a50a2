// SPDX-License-Identifier: BSL-1.0
// From the PVH entry to C++: 32-bit protected mode without paging and without a stack, interrupts off, EBX = physical
// address of hvm_start_info (Xen, docs/misc/pvh.pandoc). The code runs through the sections .text.boot.* in the order
// of their names, by falling from one into the next: a file that is linked only where something needs it (wake.S,
// command_line.S) puts its step between .text.boot.0 and .text.boot.2.
// Across those steps: EBX holds the start info, EBP is 0 unless memory is missing, ESP is the main stack.

        .section .note.pvh, "a", @note
        .long 4, 8, 18                          // XEN_ELFNOTE_PHYS32_ENTRY
        .asciz "Xen"
        .quad uk_entry_load                     // where uk_entry is before the copy, see link.ld

        .section .rodata.boot, "a"
gdt:                                            // the unused null descriptor holds the table's own pointer
        .word 31
        .long gdt
        .word 0
        .quad 0x00209b0000000000                // 8: 64-bit code; accessed is preset, for the table is read-only
        .quad uk_tss_descriptor                 // 16: the task state segment, two entries wide
        .quad 0
idt_pointer:
        .word 48 * 16 - 1
        .long uk_idt
serial_setup:                                   // pairs of value and low byte of the port, 0x3f8 and up
        .byte 0x00, 0xf9                        // no interrupts
        .byte 0x80, 0xfb                        // divisor latch: 115200 baud
        .byte 0x01, 0xf8
        .byte 0x00, 0xf9
        .byte 0x03, 0xfb                        // 8 data bits, no parity, one stop bit
        .byte 0x07, 0xfa                        // FIFOs on and empty
        .byte 0x03, 0xfc                        // DTR, RTS
serial_setup_end:

        .section .text.boot.0, "ax"
        .code32
        .globl uk_entry
uk_entry:
        cld
        mov $uk_load_start, %esi
        mov $uk_image_start, %edi
        mov $uk_load_bytes, %ecx
        rep movsb
        mov $uk_data_load, %esi
        mov $uk_data_start, %edi
        mov $uk_data_bytes, %ecx
        rep movsb
        mov $1f, %eax
        jmp *%eax
1:      mov $serial_setup, %esi
        mov $(serial_setup_end - serial_setup) / 2, %ecx
        mov $0x300, %edx
1:      lodsw
        mov %ah, %dl
        out %al, (%dx)
        loop 1b

        xor %eax, %eax
        mov $uk_tables_start, %edi
        mov $uk_tables_words, %ecx
        rep stosl
        mov $uk_bss_start, %edi
        mov $uk_bss_words, %ecx
        rep stosl
        mov $uk_stack_top, %esp

        // Memory map entries: base, size (64 bits), type (1: RAM), reserved. Version 0 of the start info has none.
        xor %ebp, %ebp
        cmpl $0, 4(%ebx)
        je 4f
        mov 40(%ebx), %esi
        mov 48(%ebx), %ecx
        jecxz 4f
2:      cmpl $1, 16(%esi)
        jne 3f
        mov (%esi), %eax
        mov 4(%esi), %edx
        cmp $uk_image_start, %eax
        ja 3f
        test %edx, %edx
        jne 3f
        add 8(%esi), %eax
        adc 12(%esi), %edx
        jne 4f
        cmp $uk_image_end, %eax
        jae 4f
3:      add $24, %esi
        loop 2b
        inc %ebp
4:

        .section .text.boot.2, "ax"
        .code32
        mov $uk_faults, %eax
        mov $uk_idt, %edi
        mov $0x8e01, %edx                       // interrupt gate on the fault stack, IST 1
        push $22
        pop %ecx
1:      call uk_gate
        inc %eax                                // two octets per vector, see trap.S
        inc %eax
        loop 1b
        movl $uk_fault_stack_top, uk_tss + 36   // IST 1

        // NX where the CPU has it: EDX bit 20 of leaf 0x80000001. Clobbers EBX: the start info is no longer needed.
        mov $0x80000001, %eax
        cpuid
        and $1 << 20, %edx
        mov %edx, %esi
        shr $9, %esi                            // EFER.NXE
        shl $11, %edx                           // bit 63 of an entry, in its upper half
        push %edx

        xor %edx, %edx
        mov $uk_pt_first, %edi
        mov $uk_image_start + 1, %eax           // text: present
        mov $uk_text_pages, %ecx
        call fill
        pop %edx
        mov $uk_rodata_pages, %ecx              // constants and tables: present, no execution
        call fill
        add $uk_pt_entries, %edi                // the lowest tables themselves stay unmapped: they guard the stack
        mov $uk_stack_start + 3, %eax           // stack and data: present, writable, no execution
        mov $uk_data_pages, %ecx
        call fill
        xor %edx, %edx
        mov $uk_pd_first, %edi
        mov $uk_pt + 3, %eax
        mov $uk_pt_pages, %ecx
        call fill
        movl $uk_pd + 3, uk_pdpt
        movl $uk_pdpt + 3, uk_pml4

        // SMEP, SMAP and UMIP where the CPU has them (leaf 7).
        xor %eax, %eax
        cpuid
        cmp $7, %eax
        mov $0x620, %edi                        // CR4: PAE, OSFXSR, OSXMMEXCPT
        jb 4f
        push $7
        pop %eax
        xor %ecx, %ecx
        cpuid
        bt $7, %ebx
        jnc 2f
        bts $20, %edi
2:      bt $20, %ebx
        jnc 3f
        bts $21, %edi
3:      bt $2, %ecx
        jnc 4f
        bts $11, %edi
4:      mov %edi, %cr4

        mov $uk_pml4, %eax
        mov %eax, %cr3
        mov $0xc0000080, %ecx                   // EFER: LME, NXE
        lea 0x100(%esi), %eax
        xor %edx, %edx
        wrmsr
        lgdt gdt
        lidt idt_pointer
        mov $0x80000033, %eax                   // CR0: PG, NE, ET, MP, PE
        mov %eax, %cr0
        ljmp $8, $long_mode

        // Writes the gate to EAX with attributes DX at EDI, and advances EDI.
        .globl uk_gate
uk_gate:
        mov %eax, 4(%edi)
        mov %dx, 4(%edi)
        mov %ax, (%edi)
        movw $8, 2(%edi)
        add $16, %edi
        ret

        // Writes ECX entries at EDI: EDX:EAX and the pages that follow.
fill:   stosl
        mov %edx, (%edi)
        add $4, %edi
        add $0x1000, %eax
        loop fill
        ret

        .code64
long_mode:
        mov $uk_stack_top, %esp                 // the upper halves are undefined after the switch
        xor %eax, %eax
        mov %eax, %ss
        mov $16, %al
        ltr %ax                                 // marks the descriptor busy, so before the write protection
        mov %cr0, %rax
        bts $16, %eax                           // WP
        mov %rax, %cr0
        test %ebp, %ebp
        jnz 1f
        call main
        mov %eax, %edi
        call uk_stop
1:      call uk_no_memory

        .section .note.GNU-stack, "", @progbits
