/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's system calls, and what becomes of each. */
#ifndef THREADS_CALLS_H
#define THREADS_CALLS_H

#include "dsm/threads/threads.h"

/* One that a thread is about to make. It is over for the handler once one of the functions below has
 * said what becomes of it. */
struct call {
	long number, arg[6];
	bool of_program; /* and not of libdsm's, of the loader, or of what libc does for itself */
	void *context;
	uint64_t *frame;
};

/* --- catch.c --- */

/* The thread goes on with that: -4095 .. -1 are errors. */
void call_returns(struct call *c, long result);
/* The kernel makes it, with the arguments that are now in c. */
void call_native(struct call *c);
/* The same, for one that two return from, in the same memory. */
void call_twice(struct call *c);
/* The thread's mask of signals, when it goes on. */
void *call_mask(struct call *c);
/* 64 bytes, which stay as they are until a native call has returned. */
void *call_room(struct call *c);

/* --- calls.c --- */

void call_make(struct call *c);

/* --- forward.c --- */

/* How node 0 makes a call, argument by argument:
 *
 *	.	a number, or what the kernel does not look at
 *	f	a descriptor
 *	s	text
 *	i o	memory that is read, or written to; its size is the next argument
 *	I O	the same, of readv and writev
 *	p	memory of a size that only the call knows
 *	m	struct msghdr
 *	n	a mask of signals, which is left out
 *	X	none: it is refused
 */
struct way {
	short number;
	const char *name, *arguments;
};
const struct way *way_of(long number); /* NULL: each node makes it for itself */
/* Has node 0 make it: its result. */
long forward(const struct way *way, const long arg[6]);

/* --- signals.c: those that SIGSYS must not be blocked by --- */

/* false: it is no such call. */
bool signals_make(struct call *c);

#endif
