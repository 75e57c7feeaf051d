/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds in which pages are written at one node, and taken at another. */
#include "tools/bench/rounds.h"

static uint64_t counted_by_now(const struct rounds *r)
{
	struct dsm_stats stats = bench_stats();

	return *(uint64_t *)((char *)&stats + r->counter);
}

void rounds_read_all(const struct pages *p, unsigned generation, struct series *s)
{
	pages_read(p, p->n, generation, s);
	pages_verify(p, generation, 0);
}

/* Node 0's part. Returns what was counted. */
static uint64_t take(const struct rounds *r, const struct pages *p, unsigned generation,
                     struct series *s)
{
	uint64_t before, got;

	bench_settle();
	before = counted_by_now(r);
	r->take(p, generation, s);
	got = counted_by_now(r) - before;
	if (got < r->want - r->want / 10)
		bench_fail("%llu misses where %u were expected", (unsigned long long)got, r->want);
	if (s)
		series_rep(s);
	return got;
}

uint64_t rounds_run(const struct rounds *r, const struct pages *p, struct series *s)
{
	uint64_t counted = 0, got;

	for (unsigned generation = 1; generation <= bench.options->reps + 1; generation++) {
		if (bench.rank == r->writer)
			pages_fill(p, generation);
		bench_barrier();
		if (bench.rank == r->reader)
			rounds_read_all(p, generation, NULL);
		if (r->reader != NO_READER)
			bench_barrier();
		if (bench.rank == 0) {
			got = take(r, p, generation, generation == 1 ? NULL : s);
			counted += generation == 1 ? 0 : got;
		}
		bench_barrier();
		if (r->verify) {
			r->verify(p, generation);
			bench_barrier();
		}
	}
	return counted;
}
