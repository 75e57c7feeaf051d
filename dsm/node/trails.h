/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trails: pages that follow each other and that this node faults on one after the other, time and again, as a
 * program's loops come back to them: the border of a neighbour's field, a row of a matrix. A stream (stream.h) has to
 * find out each time how long it is, and asks for too much at its end. Here it is remembered by the page where it
 * begins: the first fault asks for all of it, and for no more. The idea is that of spatial footprints (S. Somogyi et
 * al., "Spatial memory streaming", ISCA 2006), of which a trail is the simplest. Trails are known by their place,
 * whichever thread comes there. Under the node's lock.
 */
#ifndef TRAILS_H
#define TRAILS_H

#include <stdint.h>

#define TRAILS_OPEN 8
#define TRAILS_KNOWN 1024
#define TRAILS_MAX 32  /* pages of one that is known */
#define TRAILS_AHEAD 8 /* and ahead, of one that is not */

struct trails {
	struct trail {
		uint64_t first, last; /* pages: where it began, and of the last fault */
		uint64_t next;        /* the first that was not asked for; 0: there is none */
		uint32_t faults, asked;
	} open[TRAILS_OPEN];
	struct trail_known {
		uint64_t first;  /* and 1; 0: none */
		uint16_t n;      /* pages, the last time */
		uint8_t seen;    /* how often in a row it went beyond its first page */
		uint8_t doubt;   /* so many times more that has to be seen, as pages were not used */
		uint8_t followed; /* whether it has since it last began */
		uint8_t trusted; /* how often it was taken for what it was, without a look */
	} known[TRAILS_KNOWN];
	unsigned newest;
};

/* A fault: how many pages to ask for from that one on, from 1. */
unsigned trails_fault(struct trails *t, uint64_t page);
/* So many were asked for in the end. */
void trails_asked(struct trails *t, uint64_t page, unsigned n);

/* The trail of a fault, by the page where it began. */
uint64_t trails_first(const struct trails *t, uint64_t page);
/* Of one that is written: whether a page that was asked for ahead was used. One that was not cost others what they
 * had. */
void trails_used(struct trails *t, uint64_t first, int used);

#endif
