/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * n tasks in one queue under one mutex: whoever is free takes the next one, and brings the result
 * of the last one with it. Who does which is open, the results are not.
 */
#include <stdbool.h>

#include "tools/bench/apps/kernels.h"

/* About 2.4 ns each on a processor of 2.6 GHz. */
static uint64_t compute(uint64_t x, unsigned work)
{
	x = team_hash(x);
	for (unsigned i = 0; i < work; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static void run(struct team *t)
{
	uint64_t *next = team_take(t, sizeof *next);
	uint64_t *results = team_take(t, t->n * sizeof *results);
	uint64_t task = 0, value = 0;
	bool more = true;

	for (bool any = false; more; any = true) {
		team_lock(t, 0);
		if (any)
			results[task] = value;
		more = *next < t->n;
		if (more)
			task = (*next)++;
		team_unlock(t, 0);
		if (more)
			value = compute(task, t->work);
	}
	t->result = results;
	t->result_bytes = t->n * sizeof *results;
	team_barrier(t);
}

/* Tasks of about 50 us, */
const struct kernel kernel_queue = { .name = "queue",
	                             .run = run,
	                             .bytes = 64 << 10,
	                             .locks = 1,
	                             .full = { .n = 1000, .work = 21000 },
	                             .few = { .n = 20, .work = 2000 } };
/* and of about 2. */
const struct kernel kernel_queue_short = { .name = "queue_short",
	                                   .run = run,
	                                   .bytes = 64 << 10,
	                                   .locks = 1,
	                                   .full = { .n = 4000, .work = 850 },
	                                   .few = { .n = 40, .work = 100 } };
