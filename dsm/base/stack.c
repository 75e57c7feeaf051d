/* SPDX-License-Identifier: BSD-2-Clause */
/* A pool of stacks, and changing to one. */
#include "dsm/base/stack.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GUARD_BYTES 4096

struct stack {
	struct stack *next; /* in the pool */
	uint64_t pad;       /* what is below begins at a multiple of 16 */
};

/* --- the pool ---
 * One word: the address of the first one's mapping, a multiple of 4096 below 2^48, in the upper
 * bits by way of a shift; and a count of takes in the 28 bits that this leaves, so that a take does
 * not mistake a list for the one it saw whose first one is first again. */

#define COUNT_BITS 28
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)
#define PAGE_SHIFT 12

static void *mapping_of(uint64_t idle)
{
	return (void *)(uintptr_t)(idle >> COUNT_BITS << PAGE_SHIFT);
}

static struct stack *stack_in(void *mapping)
{
	return (struct stack *)((char *)mapping + GUARD_BYTES + STACK_BYTES) - 1;
}

static void *mapping_at(struct stack *stack)
{
	return (char *)(stack + 1) - STACK_BYTES - GUARD_BYTES;
}

static uint64_t word_of(void *mapping, uint64_t count)
{
	return (uintptr_t)mapping >> PAGE_SHIFT << COUNT_BITS | (count & COUNT_MASK);
}

/* By way of syscall(2), as in memory/: libraries patch mmap. */
static struct stack *map(void)
{
	long at = syscall(SYS_mmap, NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, (off_t)0);

	if (at == -1)
		return NULL;
	if (syscall(SYS_mprotect, at, (size_t)GUARD_BYTES, PROT_NONE)) {
		syscall(SYS_munmap, at, GUARD_BYTES + STACK_BYTES);
		return NULL;
	}
	return stack_in((void *)at);
}

struct stack *stacks_take(struct stacks *stacks)
{
	/* Acquire pairs with the release in stacks_give(): next is that of the one seen. */
	uint64_t idle = __atomic_load_n(&stacks->idle, __ATOMIC_ACQUIRE);

	while (mapping_of(idle)) {
		struct stack *stack = stack_in(mapping_of(idle));
		/* Another thread may have taken it, and be giving it back just now: then the
		 * count has changed, and what is read here is not used. */
		struct stack *next = __atomic_load_n(&stack->next, __ATOMIC_RELAXED);
		uint64_t rest = word_of(next ? mapping_at(next) : NULL, idle + 1);
		if (__atomic_compare_exchange_n(&stacks->idle, &idle, rest, 0, __ATOMIC_ACQUIRE,
		                                __ATOMIC_ACQUIRE))
			return stack;
	}
	return map();
}

void stacks_give(struct stacks *stacks, struct stack *stack)
{
	uint64_t idle = __atomic_load_n(&stacks->idle, __ATOMIC_RELAXED);

	do {
		void *first = mapping_of(idle);
		__atomic_store_n(&stack->next, first ? stack_in(first) : NULL, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&stacks->idle, &idle,
	                                      word_of(mapping_at(stack), idle), 0,
	                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

int stacks_fill(struct stacks *stacks)
{
	struct stack *stack = stacks_take(stacks);

	if (!stack)
		return -ENOMEM;
	stacks_give(stacks, stack);
	return 0;
}

void stacks_close(struct stacks *stacks)
{
	while (mapping_of(stacks->idle)) {
		void *mapping = mapping_of(stacks->idle);
		struct stack *next = stack_in(mapping)->next;
		stacks->idle = word_of(next ? mapping_at(next) : NULL, 0);
		syscall(SYS_munmap, mapping, GUARD_BYTES + STACK_BYTES);
	}
}

/* --- changing to it --- */

#if defined(__x86_64__)
/* Unwinders, and with them exceptions and cancellation, find the caller by rbp. */
__asm__(".pushsection .text\n"
        ".globl stack_call\n"
        ".hidden stack_call\n"
        ".type stack_call, @function\n"
        "stack_call:\n"
        "	.cfi_startproc\n"
        "	endbr64\n"
        "	pushq %rbp\n"
        "	.cfi_def_cfa_offset 16\n"
        "	.cfi_offset %rbp, -16\n"
        "	movq %rsp, %rbp\n"
        "	.cfi_def_cfa_register %rbp\n"
        "	movq %rdi, %rsp\n"
        "	movq %rsi, %rax\n"
        "	movq %rdx, %r10\n"
        "	movq 0(%r10), %rdi\n"
        "	movq 8(%r10), %rsi\n"
        "	movq 16(%r10), %rdx\n"
        "	movq 24(%r10), %rcx\n"
        "	movq 32(%r10), %r8\n"
        "	movq 40(%r10), %r9\n"
        "	callq *%rax\n"
        "	movq %rbp, %rsp\n"
        "	popq %rbp\n"
        "	.cfi_def_cfa %rsp, 8\n"
        "	retq\n"
        "	.cfi_endproc\n"
        ".size stack_call, .-stack_call\n"
        ".popsection\n");
#else
#error "how to change stacks on this processor has to be added here"
#endif
