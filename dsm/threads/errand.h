/* SPDX-License-Identifier: BSD-2-Clause */
/* Errands, for who does not just wait for one. */
#ifndef THREADS_ERRAND_H
#define THREADS_ERRAND_H

#include "dsm/threads/threads.h"

#define ERRAND_SIGNAL SIGSTKFLT /* which no kernel sends any more: clerks are interrupted by it, */
                                /* and threads woken that wait for signals, too */

enum { ERRAND_DONE = 1, ERRAND_SLOW = 2 };

/* In one page, wherever it is. */
struct errand {
	_Alignas(128) struct errand *next;
	long (*fn)(const long arg[6]); /* or NULL, and the number of a system call */
	long number, arg[6];
	long result;   /* negative: an error */
	uint32_t done; /* atomic, waited for: 0 at first; SLOW, by who posted it */
	int node; /* where from */
	struct errand *wake; /* of a slow one: to be posted there when it is done */
};

void errand_post(int node, struct errand *e); /* in shared memory, until it is done */
bool errand_wait(struct errand *e, int timeout_ms); /* until it is done; false: the time is over; -1: none */
/* One that is slow ends with EINTR, or as it does: and then this returns. */
void errand_interrupt(int node, struct errand *e);

#endif
