/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: which pages a thread will read next, judged by the ones it faulted on. A thread
 * that reads on where its last run ended gets runs that double; one that jumps by the same
 * distance time and again gets the next places; any other gets its page only. The method is
 * that of stride prefetchers (Chen & Baer, "Effective hardware-based data prefetching for
 * high-performance processors", IEEE Trans. Computers 44(5), 1995), with runs that grow as
 * in the readahead of file systems. Under the node's lock.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdint.h>

#define STREAM_THREADS 64
#define STREAM_RUN_MAX 256   /* pages */
#define STREAM_AHEAD_MAX 8   /* places ahead in a strided stream */

struct stream_thread {
	uint32_t thread;
	uint16_t run;    /* pages asked for last, the one that faulted included */
	uint16_t ahead;  /* places asked for ahead, in a strided stream */
	uint8_t repeats; /* how often the stride was seen in a row */
	uint64_t last;   /* page of the last fault */
	int64_t stride;
};

struct streams {
	struct stream_thread entry[STREAM_THREADS];
	uint64_t wasted; /* pages asked for ahead that, as it seems, were not used */
};

struct stream_advice {
	uint16_t run;   /* pages to ask for from the faulting one on, from 1 */
	uint16_t ahead; /* and so many more pages, */
	int64_t stride; /* this far from each other, from page + run - 1 on */
};

/* A read fault. on_its_way: the page was asked for before. */
struct stream_advice stream_fault(struct streams *s, uint32_t thread, uint64_t page,
                                  int on_its_way);
/* More is asked for there than it says: the run that the stream goes on behind. */
void stream_asked(struct streams *s, uint32_t thread, uint64_t page, uint16_t run);

#endif
