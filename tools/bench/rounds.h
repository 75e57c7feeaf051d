/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds of a test of misses: one node writes pages, and node 0 takes them from it. The first
 * round is not timed: in it the frames are allocated.
 */
#ifndef ROUNDS_H
#define ROUNDS_H

#include "tools/bench/pages.h"

#define NO_READER (-1)

struct rounds {
	int writer; /* writes all pages */
	int reader; /* then reads them all, or NO_READER */
	/* Then node 0 reads or writes them, timed unless s is NULL. */
	void (*take)(const struct pages *p, unsigned generation, struct series *s);
	/* At last, on every node: looks at what there is. NULL: nothing to look at. */
	void (*verify)(const struct pages *p, unsigned generation);
	/* Where in struct dsm_stats is what the pages cost node 0: want at least, but for a few
	 * that were fetched ahead by chance, or the test measures something else. */
	size_t counter;
	unsigned want;
};

/* Collective. Every round that is timed is a repetition of s. Returns what was counted in
 * these, on node 0. */
uint64_t rounds_run(const struct rounds *r, const struct pages *p, struct series *s);

/* A take: reads the first word of every page, timed, and then all of it. */
void rounds_read_all(const struct pages *p, unsigned generation, struct series *s);

#endif
