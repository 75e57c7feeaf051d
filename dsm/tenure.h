/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tenure: the times at which the core's holds end, and how long a thread's pages are
 * held. The core names holds by slot; here are their deadlines. Under the node's lock.
 */
#ifndef TENURE_H
#define TENURE_H

#include <stdint.h>

#define TENURE_SLOTS 256
#define TENURE_THREADS 64
#define TENURE_PAGES 16
#define TENURE_LEVEL_MAX 7

/* What a thread faulted on of late. A thread that comes back to pages it was just
 * granted may be making no progress (an instruction can touch several pages). */
struct tenure_thread {
	uint32_t thread;
	uint8_t next, revisits;
	uint64_t page[TENURE_PAGES];
};

struct tenure {
	uint64_t base_ns;
	uint64_t deadline_ns[TENURE_SLOTS]; /* 0: not running */
	uint64_t next_ns;                   /* the earliest, or UINT64_MAX */
	unsigned running;
	int deferred; /* a message may be waiting for one of them to end */
	struct tenure_thread thread[TENURE_THREADS];
};

void tenure_init(struct tenure *t, uint64_t base_ns);
void tenure_start(struct tenure *t, unsigned slot, unsigned level, uint64_t now_ns);
/* A slot whose deadline is over, which stops running; -1 when there is none. */
int tenure_due(struct tenure *t, uint64_t now_ns);
/* The level for a thread that faults on page: 0 .. TENURE_LEVEL_MAX. */
unsigned tenure_level(struct tenure *t, uint32_t thread, uint64_t page);

#endif
