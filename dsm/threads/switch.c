/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing to another stack. Exceptions, cancellation and debuggers find the caller by rbp. */
#include "dsm/threads/threads.h"

#if defined(__x86_64__)
__asm__(".pushsection .text\n"
        ".globl call_on\n"
        ".hidden call_on\n"
        ".type call_on, @function\n"
        "call_on:\n"
        "	.cfi_startproc\n"
        "	endbr64\n"
        "	pushq %rbp\n"
        "	.cfi_def_cfa_offset 16\n"
        "	.cfi_offset %rbp, -16\n"
        "	movq %rsp, %rbp\n"
        "	.cfi_def_cfa_register %rbp\n"
        "	andq $-16, %rdi\n"
        "	movq %rdi, %rsp\n"
        "	movq %rdx, %rdi\n"
        "	callq *%rsi\n"
        "	movq %rbp, %rsp\n"
        "	popq %rbp\n"
        "	.cfi_def_cfa %rsp, 8\n"
        "	retq\n"
        "	.cfi_endproc\n"
        ".size call_on, .-call_on\n"
        ".popsection\n");
#else
#error "how to change stacks on this processor has to be added here"
#endif
