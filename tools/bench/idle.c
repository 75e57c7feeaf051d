/* SPDX-License-Identifier: BSD-2-Clause */
/* What nodes use of the processor while they have nothing to do. */
#include <time.h>

#include "tools/bench/bench.h"
#include "tools/bench/shared.h"

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used); /* of all threads */
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Percent of a core that this node used while it waited: node 0 asleep in its own code, the
 * others in a barrier. */
static double idle_once(long ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	uint64_t cpu, wall;

	bench_barrier();
	cpu = cpu_ns();
	wall = bench_now_ns();
	if (bench.rank == 0)
		nanosleep(&pause, NULL);
	bench_barrier();
	cpu = cpu_ns() - cpu;
	wall = bench_now_ns() - wall;
	return 100. * (double)cpu / (double)wall;
}

void idle_cpu(struct result *out)
{
	const unsigned reps = bench.options->reps;
	volatile uint64_t *shared = bench_alloc(16 * BENCH_PAGE);
	struct series s;

	/* Some traffic first, so that what it leaves behind is seen. */
	for (unsigned i = 0; i < 16; i++)
		__atomic_fetch_add(&shared[i * BENCH_PAGE / sizeof *shared], 1, __ATOMIC_SEQ_CST);
	series_open(&s, reps, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		series_rep_one(&s, bench_max(idle_once(bench_count(1000, 100))));
	}
	for (unsigned i = 0; i < 16; i++)
		if (shared[i * BENCH_PAGE / sizeof *shared] != (uint64_t)bench.size)
			bench_fail("increments are lost");
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "%");
}
