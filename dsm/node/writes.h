/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams of writes: a write fault where the last request of one ended asks for a run, twice as
 * long each time. A home grants a run for writing only of pages that nobody has, which mostly are
 * those that nobody has ever touched; so what counts is how much it has granted, and the next
 * fault of the stream tells: it comes where the grant ended, or once more at the first page, of a
 * run that was refused, since somebody has that one, and so probably the next ones. Streams are known by their place,
 * whichever thread writes there, for a loop may well write to several arrays. Under the node's
 * lock.
 */
#ifndef WRITES_H
#define WRITES_H

#include <stdint.h>

#define WRITES_STREAMS 16
#define WRITES_RUN_MAX 64 /* pages */

struct writes_stream {
	uint64_t last, next; /* the page of the last fault, and the first that it did not ask for */
	uint32_t run;        /* pages to ask for at next; 0: there is no stream */
	uint32_t alone;      /* faults that ask for one page, after a run was refused; doubled each time */
	uint32_t left;       /* ... of these still to come */
};

struct writes {
	struct writes_stream stream[WRITES_STREAMS];
	unsigned newest;
};

/* A write fault on a page that is not here: how many pages to ask for, from that one on. */
unsigned writes_fault(struct writes *w, uint64_t page);
/* So many were asked for in the end, from 1, if not as many. */
void writes_asked(struct writes *w, uint64_t page, unsigned n);

#endif
