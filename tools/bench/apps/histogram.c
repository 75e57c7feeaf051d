/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts n values into bins, several times by other bits of them. Members own values, count in
 * private, and then add what they have counted to the common bins, of which each page has a lock.
 */
#include <stdlib.h>

#include "tools/bench/apps/kernels.h"

#define BINS 4096
#define PARTS 8
#define PART (BINS / PARTS) /* bins on a page */

static void add(struct team *t, uint64_t *bins, const uint32_t *count)
{
	/* Members begin with different parts. */
	for (unsigned i = 0; i < PARTS; i++) {
		const unsigned part = (t->rank * PARTS / t->size + i) % PARTS;

		team_lock(t, part);
		for (unsigned bin = part * PART; bin < (part + 1) * PART; bin++)
			bins[bin] += count[bin];
		team_unlock(t, part);
	}
}

static void run(struct team *t)
{
	uint32_t *values = team_take(t, t->n * sizeof *values);
	uint64_t *bins = team_take(t, BINS * sizeof *bins);
	const size_t first = team_from(t, t->n), end = team_to(t, t->n);

	for (size_t i = first; i < end; i++)
		values[i] = (uint32_t)team_hash(i);
	team_barrier(t); /* so that all add at about the same time */
	for (unsigned round = 0; round < t->work; round++) {
		uint32_t *count = team_private(BINS * sizeof *count);

		for (size_t i = first; i < end; i++)
			count[values[i] >> 2 * round & (BINS - 1)]++;
		add(t, bins, count);
		free(count);
	}
	t->result = bins;
	t->result_bytes = BINS * sizeof *bins;
	team_barrier(t);
}

const struct kernel kernel_histogram = { .name = "histogram",
	                                 .run = run,
	                                 .bytes = (8 << 20) + BINS * 8,
	                                 .locks = PARTS,
	                                 .full = { .n = 1 << 21, .work = 8 },
	                                 .few = { .n = 1 << 13, .work = 2 } };
