/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is seen of a thread's doings with a page that it was given: the memory there changes. A word
 * tells that the instruction is done that faulted. Where faults of this node come back to the same
 * word of a page, the page goes back and forth between nodes that wait for each other, and it may go
 * when all of it has changed and then has been left alone. Pages that are still being written when
 * their time is over are left that time for a while. A page that comes back to a thread for another
 * place in it, when the thread has made no call since, was taken early, unless it is one of those behind
 * the thread's last one, as in a loop over all of them. Under the node's lock.
 */
#ifndef LOOKS_H
#define LOOKS_H

#include <stdint.h>

#define LOOKS_PAGES 4096 /* remembered at a time, in the places that their numbers have */
#define LOOKS_BYTES 4096 /* that are looked at of a page that may go early */
#define LOOKS_THREADS 64 /* that are told from others, by their numbers' last digits */
#define LOOKS_BEHIND 32  /* pages */

struct looks {
	struct looks_page {
		uint64_t page;   /* and 1; 0: none */
		uint32_t calls;  /* by which its last fault's thread, and how far that was, are known */
		uint16_t at;     /* byte of the page where that was */
		uint8_t early;   /* so much oftener taken early than not */
		uint8_t fought;  /* so many times more it is not given up early */
	} page[LOOKS_PAGES];
	struct looks_thread {
		uint64_t last;  /* page that it was given */
		uint32_t calls; /* that it has made */
	} thread[LOOKS_THREADS];
};

/* What is looked at; its bytes are 4, or a multiple of 8. at is NULL: nothing. */
struct looked {
	uint64_t page;
	const void *at;
	uint32_t bytes;
	uint64_t was; /* its content when the thread was given it */
	int may_go;   /* before its time is over */
	uint32_t thread;
	int missed;   /* nothing was here, not even for reading */
	int early;    /* it was taken early */
	int often;    /* it is so more often than not */
};

/* A thread is given the page for an access there. looked says which thread, which page, and whether nothing
 * was here; what else it says of the page is found out. */
void looks_given(struct looks *w, struct looked *looked, uint64_t offset);
/* A thread makes a call. */
void looks_call(struct looks *w, uint32_t thread);
/* Its time was over while it was being written. */
void looks_fought(struct looks *w, uint64_t page);
/* A sum over what is there now. Whoever writes meanwhile does no harm. */
uint64_t looks_content(const struct looked *w);

#endif
