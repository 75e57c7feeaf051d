/* SPDX-License-Identifier: BSD-2-Clause */
/* Misses whose target computes, and makes no call meanwhile. */
#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

/* Where the result goes, so that it has to be computed. */
static volatile uint64_t sink;

/* Arithmetic for some tens of microseconds. */
static uint64_t compute(uint64_t x)
{
	for (int i = 0; i < 10000; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	return x;
}

/* Node 1 computes until node 0 says that it has done its reading. Looking at the flag
 * costs nothing while nobody writes it. */
static void compute_until(volatile uint64_t *flag, uint64_t value)
{
	uint64_t x = (uint64_t)bench.rank;

	while (*flag != value)
		sink = x = compute(x);
}

/* One repetition; generations are counted on. It is not timed when s is NULL. */
static void round_of(const struct pages *p, unsigned generation, volatile uint64_t *flag,
                     bool computing, struct series *s)
{
	if (bench.rank == 1)
		pages_fill(p, generation);
	bench_barrier();
	if (bench.rank == 0) {
		bench_settle();
		pages_read(p, p->n, generation, s);
		if (s)
			series_rep(s);
		pages_verify(p, generation, 0);
		*flag = generation;
	} else if (bench.rank == 1 && computing) {
		compute_until(flag, generation);
	}
	bench_barrier();
}

void miss_while_target_computes(struct result *out)
{
	const unsigned n = bench_count(1000, 30), reps = bench.options->reps;
	volatile uint64_t *flag = bench_alloc(BENCH_PAGE);
	struct series waiting, computing;
	struct result idle = { 0 };
	unsigned generation = 1;
	struct pages p;

	pages_open_at(&p, n, 1);
	series_open(&waiting, reps, n);
	series_open(&computing, reps, n);
	round_of(&p, generation++, flag, false, NULL); /* for the frames */
	for (unsigned rep = 0; rep < reps; rep++) {
		round_of(&p, generation++, flag, false, &waiting);
		round_of(&p, generation++, flag, true, &computing);
	}
	result_take(&idle, &waiting, SERIES_LESS_IS_BETTER, "us");
	result_take(out, &computing, SERIES_LESS_IS_BETTER, "us");
	result_floor(out, idle.value, "the same with a waiting target");
	pages_close(&p);
}
