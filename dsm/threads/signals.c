/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about signals. SIGSYS is not to be blocked, for the kernel ends a process that it
 * cannot tell of a call: it is taken out of all masks. And what the program does with a signal it does
 * on all nodes.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "dsm/threads/calls.h"

#define SYS_BIT (UINT64_C(1) << (SIGSYS - 1))
#define LIBC_FIRST 32 /* libc's own signals, which are of one process */
#define LIBC_LAST 33

static void change_mask(struct call *c)
{
	uint64_t *mask = call_mask(c), set = 0;

	if (c->arg[3] != sizeof *mask) {
		call_returns(c, -EINVAL);
		return;
	}
	if (c->arg[1])
		memcpy(&set, (void *)c->arg[1], sizeof set); /* before, for both may be one */
	if (c->arg[2])
		memcpy((void *)c->arg[2], mask, sizeof *mask);
	if (c->arg[1])
		switch (c->arg[0]) {
		case SIG_BLOCK: *mask |= set & ~SYS_BIT; break;
		case SIG_UNBLOCK: *mask &= ~set; break;
		case SIG_SETMASK: *mask = set & ~SYS_BIT; break;
		default: call_returns(c, -EINVAL); return;
		}
	call_returns(c, 0);
}

/* The mask that one of its arguments points to. */
static void copy_mask(struct call *c, unsigned i)
{
	uint64_t *copy = call_room(c);

	if (c->arg[i]) {
		*copy = *(const uint64_t *)c->arg[i] & ~SYS_BIT;
		c->arg[i] = (long)copy;
	}
	call_native(c);
}

static void copy_pair(struct call *c)
{
	const uint64_t *pair = (const uint64_t *)c->arg[5];
	uint64_t *copy = call_room(c);

	if (pair && pair[0]) {
		copy[0] = (uintptr_t)(copy + 2);
		copy[1] = pair[1];
		copy[2] = *(const uint64_t *)pair[0] & ~SYS_BIT;
		c->arg[5] = (long)copy;
	}
	call_native(c);
}

static void change_action(struct call *c)
{
	uint64_t *copy = call_room(c); /* handler, flags, restorer, mask */
	const long number = c->arg[0];

	if (!c->arg[1] || c->arg[3] != sizeof *copy) {
		call_native(c);
		return;
	}
	if (number == SIGSYS) {
		threads_say("sigaction: SIGSYS is taken, and remains so");
		call_returns(c, -EINVAL);
		return;
	}
	memcpy(copy, (void *)c->arg[1], 4 * sizeof *copy);
	copy[3] &= ~SYS_BIT;
	c->arg[1] = (long)copy; /* in the frame, which is on the program's stack, so shared */
	if (c->of_program && (number < LIBC_FIRST || number > LIBC_LAST))
		for (int node = 0; node < here.size; node++)
			if (node != here.rank)
				errand_send(node, SYS_rt_sigaction, number, (long)copy, 0,
				            sizeof *copy);
	call_native(c);
}

bool signals_make(struct call *c)
{
	switch (c->number) {
	case SYS_rt_sigreturn: call_native(c); return true;
	case SYS_rt_sigprocmask: change_mask(c); return true;
	case SYS_rt_sigaction: change_action(c); return true;
	case SYS_rt_sigsuspend: copy_mask(c, 0); return true;
	default: break;
	}
	if (c->of_program && here.rank && way_of(c->number))
		return false; /* node 0 makes it, with a mask of its own */
	switch (c->number) {
	case SYS_ppoll: copy_mask(c, 3); return true;
	case SYS_epoll_pwait: copy_mask(c, 4); return true;
	case SYS_epoll_pwait2: copy_mask(c, 4); return true;
	case SYS_pselect6: copy_pair(c); return true;
	default: return false;
	}
}
