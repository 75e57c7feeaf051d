/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGSEGV, as long as the program does nothing about it: before the process ends, what is likely is
 * said. It is told on a stack of its own, for the thread's may be used up.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "dsm/threads/threads.h"

#define NULL_BYTES ((uintptr_t)64 << 10) /* what pointers that are none point to */

static void on_fault(int number, siginfo_t *info, void *context)
{
	const uintptr_t at = (uintptr_t)info->si_addr;
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	char line[200];

	if (mine && at - (uintptr_t)mine->stack.block < EXTENT) {
		threads_say("a thread has used up its stack");
	} else if (at >= NULL_BYTES && !is_shared(info->si_addr)) {
		snprintf(line, sizeof line,
		         "a thread has used memory at %p, which is none here: if it is a library's, a "
		         "thread-local variable, or of mmap, it is another node's own", info->si_addr);
		threads_say(line);
	}
	sigaction(number, &usual, NULL); /* and again, where it was */
}

void fault_open(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK }, was;

	if (here.size > 1 && !sigaction(SIGSEGV, NULL, &was) && was.sa_handler == SIG_DFL)
		sigaction(SIGSEGV, &action, NULL);
}

void fault_thread(void *room, size_t bytes)
{
	const stack_t stack = { .ss_sp = room, .ss_size = bytes };

	if (here.size > 1)
		sigaltstack(&stack, NULL);
}
