/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stretches, for pages that several nodes write to in no order, as a sort or a table of hashes does. Such a
 * page comes back to a thread that was not through with it when it was taken (looks.h): where each
 * node takes from the others what its next instruction wants, all of them fault every few instructions.
 * When that is so, a node keeps those pages for a stretch. Two nodes that keep what the other one waits
 * for would both wait for as long; so each gives way when a thread has waited for longer than its
 * patience, which is drawn anew for each stretch, and keeps nothing for as long as a stretch takes. The
 * most patient one soon has all it works with, and then the next. No node has to know of another for
 * that. Where a stretch has more than half as many faults in its second half as in its first, the next one is longer, and
 * where even the longest are too short for so many pages there are none for a while. Times are in
 * nanoseconds. Under the node's lock.
 */
#ifndef STRETCH_H
#define STRETCH_H

#include <stdint.h>

#define STRETCH_EARLY 16 /* pages taken early in little time: nodes take them from each other */

struct stretch {
	uint64_t base_ns;
	uint64_t early_ns[STRETCH_EARLY]; /* when pages came back that had been taken early */
	unsigned early;                   /* how many so far */
	uint64_t needed_ns;               /* until when nodes take them from each other, as far as is known */
	uint64_t length_ns, end_ns;       /* of this one; 0: there is none */
	uint64_t patience_ns;
	unsigned faults[2];               /* in each half of it */
	uint64_t rest_ns;                 /* nothing is kept until then */
	unsigned vain, rests;             /* long ones in a row, and rests, that did not help */
	int gave_way;
};

void stretch_init(struct stretch *s, uint64_t base_ns);
/* A page has come back that was taken early. */
void stretch_early(struct stretch *s, uint64_t now_ns);
/* A thread is given a page that is often taken early: until when it is kept, or 0: it is not. chance is
 * random. */
uint64_t stretch_keeps(struct stretch *s, uint64_t chance, uint64_t now_ns);
/* A thread begins to wait for a page. */
void stretch_fault(struct stretch *s, uint64_t now_ns);
void stretch_give_way(struct stretch *s, uint64_t now_ns);
/* A thread has made a call. */
void stretch_end(struct stretch *s);

#endif
