/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holding all pages as they are, on all nodes at once, while they are saved. Each node
 *
 *	begins     nothing new is asked for; nobody here can write any more: what the window lets
 *	           write becomes READ in the trap, while the core goes on to have it in M
 *	drains     what was asked for comes to its end
 *	           -- all nodes have drained: no page is on its way anywhere
 *	settles    what it was home for comes to its end: each page has one node that has it
 *	           -- all nodes have settled
 *	lets read  pages may come and go for reading; those that write wait on
 *	ends
 *
 * The core does not know of it: a step that is held is not made, and the caller hears -EAGAIN, as
 * when no slot is free. Under the node's lock.
 */
#ifndef FREEZE_H
#define FREEZE_H

#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/node/writes.h"

#define FREEZE_FAULTS 256
#define FREEZE_RUN 16 /* pages that become writable at once: whoever writes waits for their copies */

struct dsm;

enum freeze_what { FREEZE_NONE = 0, FREEZE_STORES, FREEZE_ALL };

struct freeze {
	uint8_t what; /* enum freeze_what: what is held */
	uint8_t all;  /* there were more faults than can be kept */
	uint8_t lowered; /* the window may only let read what the core has in M */
	unsigned n;
	uint64_t fault[FREEZE_FAULTS]; /* pages that threads are to be woken on at the end */
	struct writes writes; /* on what is lowered */
};

/* Whether such an event has to wait. */
static inline int freeze_holds(const struct freeze *f, unsigned event)
{
	switch (event) {
	case COH_EV_WRITE:
	case COH_EV_ATOMIC:
	case COH_EV_DISCARD: return f->what != FREEZE_NONE;
	case COH_EV_READ:
	case COH_EV_PREFETCH:
	case COH_EV_EVICT:
	case COH_EV_FUTEX_WAIT:
	case COH_EV_FUTEX_WAKE: return f->what == FREEZE_ALL;
	default: return 0;
	}
}

/* A thread of this node writes a page, and is blocked by the kernel: it is woken at the end. */
void freeze_keep_fault(struct freeze *f, uint64_t page);

/* A thread of this node writes a page that was lowered, and goes on once that is raised: the next ones
 * are raised before, where it writes one after the other. */
void freeze_write_on(struct dsm *d, uint64_t page);

/* Begins. DSM_ERR_BUSY: the program has pages pinned; or what the trap said. Then it has ended
 * again. Takes the lock. */
int freeze_begin(struct dsm *d);
/* These wait, with DSM_ERR_LOST for their end when the job has lost a node. */
int freeze_drain(struct dsm *d);
int freeze_settle(struct dsm *d);
void freeze_let_read(struct dsm *d);
/* All may go on. What the window lets only read, although the core has it in M, becomes writable
 * when a thread writes it. */
void freeze_thaw(struct dsm *d);
/* All of that becomes writable. */
void freeze_let_write(struct dsm *d);
void freeze_end(struct dsm *d); /* both */

#endif
