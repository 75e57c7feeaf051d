/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of DSM_KEEP2 (coherence/secure.h): threads that wait until all that this node has written to it is on
 * two nodes, which is done for all of them at once, and what the node keeps for another one meanwhile. A table,
 * which never steps, but for what is said to be a driver. Under the node's lock, but for unsecured.
 */
#ifndef SECURES_H
#define SECURES_H

#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/memory/memory.h"
#include "dsm/node/waits.h"

/* A node that has so many pages that are not on two nodes does not wait for anybody to ask. */
#define SECURES_MOST 1024u

struct dsm;

/* A thread that waits, on its stack. */
struct secures_joiner {
	struct waiter waiter;
	struct secures_joiner *next;
};

struct secures {
	/* Something is not on two nodes, or may not be since a death: set before any thread can write on
	 * what a step has granted, and read without the lock by who has written. */
	int unsecured;
	int under_way; /* the core has been asked: its cookie is this table's address */
	uint64_t since_ns; /* ... when */
	int warned;
	struct secures_joiner *first;
	uint64_t times; /* that it was done */
	struct stages stages;
};

/* Notes whether there is anything to be done, before the effects of a step are carried out. */
void secures_note(struct dsm *d);
/* The core has come to the end: who has waited goes on. */
void secures_done(struct dsm *d);
/* What landed for who has died is the frame's. */
void secures_take(struct dsm *d, uint64_t page);
/* What was kept for others may not be needed any more. */
void secures_sweep(struct dsm *d);

/* --- secure.c: drivers --- */
/*
 * Before this node tells another anything beside its pages, which may be that it has written: returns when all
 * that was written here to memory of DSM_KEEP2 is on two nodes. At once if it is. Without the lock. 0 or
 * DSM_ERR_LOST.
 */
int node_secure(struct dsm *d);
/* The same of an event of the core's: only if it tells others anything. */
int node_secure_before(struct dsm *d, unsigned event);
/* Lock held: begins it, for nobody yet, if that is not under way. 0, or -EAGAIN. */
int node_secure_begin(struct dsm *d);
/* Lock held: when a thread is about to write a page. There is a bound to what is not on two nodes. */
void node_secure_ahead(struct dsm *d, uint64_t page);

#endif
