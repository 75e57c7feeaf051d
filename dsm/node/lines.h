/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which instructions fault, on which bytes of which page: a sample of the faults, taken only while
 * somebody looks. Who looks says so again and again (lines_watch); when nobody has for a while the
 * sampling ends by itself. Pure. Under the node's lock.
 */
#ifndef LINES_H
#define LINES_H

#include <stdint.h>

#define LINES_WATCH_NS (UINT64_C(5) * 1000000000) /* what one look lasts */
#define LINES_EVERY_NS 1000000 /* at most one fault in so long is sampled, in the mean */

struct line {
	uint64_t pc, page;
	uint32_t first, last; /* bytes of the page where an access began */
	uint32_t count;       /* samples; at most `over` too many */
	uint32_t over;
	uint8_t write;
};

#define LINES_SETS 64
#define LINES_WAYS 8

/* Lines of a set take places from each other as pages do in hot.h. */
struct lines {
	uint64_t until_ns; /* when the look ends; 0: nobody looks, and nothing is sampled */
	uint64_t next_ns;  /* when the next fault is sampled */
	struct line set[LINES_SETS][LINES_WAYS];
};

/* Somebody looks, from now on. What was seen in a look that has ended is forgotten. */
void lines_watch(struct lines *lines, uint64_t now_ns);
/* Whether a fault of now is to be sampled. */
int lines_due(struct lines *lines, uint64_t now_ns);
/* The instruction at pc has faulted, which accesses this byte of a page and what follows. */
void lines_note(struct lines *lines, uint64_t pc, uint64_t page, uint32_t byte, int write);
/* Those seen most often, most first. Returns how many, up to max. */
unsigned lines_list(const struct lines *lines, struct line *out, unsigned max);

#endif
