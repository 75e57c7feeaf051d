/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that cannot be served, because the job is lost, or there is no memory: the access
 * fails, be it a thread's (SIGBUS) or a system call's (EFAULT). After a loss that is for ever.
 * A page that there was no memory for is refused for a short time, in which whoever waits for
 * it hears so; who has not is refused again, or gets it. Under the node's lock.
 */
#ifndef REFUSE_H
#define REFUSE_H

#include <stdint.h>

#define REFUSED_PAGES 64 /* for a short time, at once: beyond these the first has had its time */

struct dsm;
struct trap_fault;

struct refusals {
	uint64_t page[REFUSED_PAGES]; /* oldest first */
	unsigned n;
	/* What was logged last, which is not said again for the same thread. */
	uint32_t thread;
	const char *why;
};

/* With event delivery. why lives for ever. */
void node_refuse(struct dsm *d, const struct trap_fault *f, const char *why);
/* Whoever accesses a page gets SIGSEGV, or EFAULT from a system call, for a short time. */
void node_shut(struct dsm *d, uint64_t page);
/* What was refused for a short time is as before. */
void node_lift_refusals(struct dsm *d);

#endif
