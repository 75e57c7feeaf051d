/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stretches, for pages that several nodes write to in no order, as a sort or a hash table does. Such a
 * page comes back to a thread that was not through with it when it was taken (looks.h): where each
 * node takes from the others what its next instruction wants, all of them fault every few instructions.
 * So a node keeps those pages for a stretch, or until its thread makes a call. Two nodes that keep what
 * the other one waits for would both wait for as long; so each gives way, with all it keeps, when its thread has
 * waited for longer than its patience, which is drawn anew for each stretch, and keeps nothing for as long
 * as a stretch takes. The most patient one soon has all it works with, and then the next. No node has to
 * know of another for that. Under the node's lock.
 */
#ifndef STRETCH_H
#define STRETCH_H

#include <stdint.h>

struct stretch {
	uint64_t end_ns;      /* 0: there is none */
	uint64_t patience_ns;
	int gave_way;
};

/* A thread is given such a page: until when the node keeps it, or 0: it does not. chance: random. */
uint64_t stretch_keeps(struct stretch *s, uint64_t base_ns, uint64_t chance, uint64_t now_ns);
/* What is kept may go. */
void stretch_give_way(struct stretch *s, uint64_t base_ns, uint64_t now_ns);
void stretch_end(struct stretch *s);

#endif
