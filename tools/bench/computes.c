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

static void read_all(const struct pages *p, unsigned generation, struct series *s)
{
	for (unsigned i = 0; i < p->n; i++) {
		const unsigned page = p->order[i];
		uint64_t start = bench_now_ns(), value = *pages_at(p, page);

		series_add(s, bench_us_since(start));
		if (value != pages_word(page, 0, generation))
			bench_fail("page %u reads %llx", page, (unsigned long long)value);
	}
	series_rep(s);
	pages_verify(p, generation, 0);
}

/* One repetition; generations are counted on. */
static void round_of(const struct pages *p, unsigned generation, volatile uint64_t *flag,
                     bool computing, struct series *s)
{
	if (bench.rank == 1)
		pages_fill(p, generation);
	bench_barrier();
	if (bench.rank == 0) {
		bench_settle();
		read_all(p, generation, s);
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
	series_open(&waiting, reps + 1, n);
	series_open(&computing, reps, n);
	round_of(&p, generation++, flag, false, &waiting); /* for the frames */
	waiting.n = waiting.rep_start = waiting.reps = 0;
	for (unsigned rep = 0; rep < reps; rep++) {
		round_of(&p, generation++, flag, false, &waiting);
		round_of(&p, generation++, flag, true, &computing);
	}
	result_take(&idle, &waiting, SERIES_LESS_IS_BETTER, "us");
	result_take(out, &computing, SERIES_LESS_IS_BETTER, "us");
	result_floor(out, idle.value, "the same with a waiting target");
	pages_close(&p);
}
