/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of this node that wait for pages. A plain list: the engine tells it whom it has
 * woken, and it never steps. Under the node's lock.
 */
#ifndef FAULT_LIST_H
#define FAULT_LIST_H

#include <stdint.h>

#include "dsm/node/tenure.h"
#include "dsm/node/waits.h"
#include "dsm/trap/trap.h"

#define FAULTS_MAX 0x8000 /* as many threads as a process may have, about: a page may be pinned
                           * elsewhere until another thread here goes on */

/* A thread blocked in a fault. */
struct fault {
	uint64_t page, since_ns, address;
	uint32_t thread;
	uint8_t write, warned;
	uint8_t kind; /* an enum dsm_latency_kind; 0: the page was here */
	struct waiter *waiter; /* with signal delivery, or a pin's; NULL: blocked in the kernel */
};

struct faults {
	struct fault list[FAULTS_MAX];
	unsigned n;
	struct waiter waiter[FAULTS_MAX]; /* with signal delivery: who waits, while in the list */
	unsigned waiters;                 /* of them that have been used */
	struct waiter *idle;
	struct trap_fault stalled; /* the next one to take, for which no slot was free */
	int has_stalled;
	struct trap_fault unchecked; /* one that there was no room to keep, with DSM_CHECK */
	int has_unchecked;
	uint64_t stalled_ns;  /* since when */
	uint32_t woken;       /* thread that was woken last */
	uint64_t expected_ns; /* until when huge pages that were asked for take to come, about */
	uint64_t count, ns, frame_waits;
	uint64_t frame_since_ns; /* since when the one to be taken waits for a frame; 0: it does not */
	int told_blocked; /* the log says that a thread has SIGBUS blocked */
};

/* Returns 1 when there was a place in the list. Without one the fault is served all the same,
 * only not reported on; with a waiter it would never be woken. */
int faults_remember(struct faults *faults, const struct trap_fault *f, unsigned kind,
                    struct waiter *w, uint64_t now_ns);
/* A waiter of the list's own for the calling thread, which has waits_answer() of it and nothing
 * else. NULL: there are as many as faults can be remembered. */
struct waiter *faults_waiter(struct faults *faults, struct waits *waits);
/* Threads that wait for these pages go on; how long they have waited is counted. */
void faults_woken(struct faults *faults, struct tenure *tenure, struct waits *waits,
                  uint64_t first, uint32_t n);
/* The last of them that waits for one of these pages, or NULL. */
const struct fault *faults_for(const struct faults *faults, uint64_t first, uint32_t n);
/* Nobody is waited for any more: all waits have ended. */
void faults_forget(struct faults *faults);

#endif
