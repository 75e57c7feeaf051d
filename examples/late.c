/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One slow barrier: all nodes compute and meet, but every eighth round one of them computes four
 * times as long, and all wait for it. docs/tracing.md finds the round and the node.
 *
 *	dsmctl run -n 3 examples/late [ROUNDS]     without, until interrupted
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <dsm.h>

#define STEP_MS 20
#define SLOW_NODE 1
#define SLOW_ROUND 8

/* Sleeping stands for work, so that it takes as long where nodes have no processor each. */
static void compute(int ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	const long rounds = argc > 1 ? atol(argv[1]) : -1;
	dsm_t *dsm;

	if (dsm_init(NULL, &dsm)) {
		fprintf(stderr, "dsm_init: %s\n", dsm_init_error());
		return 1;
	}
	for (long round = 0; round != rounds; round++) {
		const int slow = dsm_rank(dsm) == SLOW_NODE && round % SLOW_ROUND == 0;

		compute(slow ? 4 * STEP_MS : STEP_MS);
		if (dsm_barrier(dsm))
			return 1;
	}
	return dsm_fini(dsm) != 0;
}
