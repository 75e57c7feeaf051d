/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is bound to a lock: the pages that this node's threads come to first when they have been given it. Entry
 * consistency (B. Bershad et al., "The Midway distributed shared memory system", COMPCON 1993) has programs say so, and
 * sends it with the lock; here it is learned, and asked for at once when a thread is given the lock, instead of by one
 * fault after the other. Under the node's lock.
 */
#ifndef BOUND_H
#define BOUND_H

#include <stdint.h>

#define BOUND_PAGES 4     /* of a lock */
#define BOUND_LOCKS 1024  /* remembered at a time, in the places that their keys have */
#define BOUND_THREADS 64  /* told from others by their numbers' last digits */
#define BOUND_LENT 256    /* pages */
#define BOUND_KEY (UINT64_C(1) << 63) /* is in all keys, which are not 0 */

struct bounds {
	struct bound_lock {
		uint64_t key;
		struct bound_page {
			uint64_t page;  /* and 1; 0: none */
			uint8_t times;  /* that a thread faulted there */
			uint8_t writes;
			uint8_t turn; /* when it was needed last, by all that is known */
		} page[BOUND_PAGES];
		uint8_t turn; /* how often it was given */
		uint8_t asked; /* times in a row that pages were asked for, without a look */
		uint8_t doubt; /* so many times more a page has to be seen, as some were not used */
		uint8_t doubted; /* since they were asked for last */
	} lock[BOUND_LOCKS];
	struct bound_thread {
		uint32_t thread;
		uint64_t key;
	} in[BOUND_THREADS];
	uint8_t lent[BOUND_LENT]; /* by their numbers' last digits; without the lock */
};

/* The thread has the lock; it makes a call, of whatever kind: what it comes to from then on is not counted. */
void bound_begin(struct bounds *b, uint32_t thread, uint64_t key);
void bound_end(struct bounds *b, uint32_t thread);
/* It faults. */
void bound_fault(struct bounds *b, uint32_t thread, uint64_t page, int write);
/* What to ask for when the lock is given: how many pages, which are in ask. */
unsigned bound_pages(struct bounds *b, uint64_t key, struct bound_page ask[BOUND_PAGES]);
/* Another node has changed a word of a page that is here, which may be a mutex that it has had. */
void bound_lend(struct bounds *b, uint64_t page);
/* Whether one has since this was asked last, of this page or another one in its place. Without the lock. */
int bound_was_lent(struct bounds *b, uint64_t page);
/* A page that was asked for, for writing, goes, and was written or not. */
void bound_used(struct bounds *b, uint64_t key, uint64_t page, int used);

#endif
