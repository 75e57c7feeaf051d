/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks of the library's own, for what it must not do on the one that it was called on: that of a
 * signal handler may be small, and one in shared memory faults. Each has a page below it that
 * nobody may touch.
 *
 * Any thread, also in a signal handler: the pool is a list without a lock. Its stacks are not
 * unmapped before it is closed.
 */
#ifndef STACK_H
#define STACK_H

#include <stdint.h>

#define STACK_BYTES ((uint64_t)256 << 10) /* address space; memory only as far as it is used */
#define STACK_WORDS 6 /* what a function can be given: the words that go by registers */

struct stack; /* at the top of its mapping */

struct stacks {
	uint64_t idle; /* atomic, see stack.c; 0: none */
};

/* A stack, until stacks_give(). NULL: there is no memory for another. */
struct stack *stacks_take(struct stacks *stacks);
void stacks_give(struct stacks *stacks, struct stack *stack);
/* Sees to it that there is one at least. -ENOMEM. */
int stacks_fill(struct stacks *stacks);
/* Unmaps those that have been given back: all, by now. */
void stacks_close(struct stacks *stacks);

/* Calls a function of at most six arguments, integers or pointers, on that stack, and returns what
 * it does. */
uint64_t stack_call(struct stack *stack, void (*fn)(void), const uint64_t word[STACK_WORDS]);

#endif
