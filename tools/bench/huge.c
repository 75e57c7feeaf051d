/* SPDX-License-Identifier: BSD-2-Clause */
/* Single misses on pages of 2 MiB. */
#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

static void read_all(const struct pages *p, unsigned generation, struct series *s)
{
	pages_read(p, p->n, generation, s);
	pages_verify(p, generation, 0);
}

void pmd_fetch(struct result *out)
{
	const unsigned reps = bench.options->reps;
	uint64_t before = 0, misses = 0;
	struct pages p;
	struct series s;

	out->unit = "us";
	if (!pages_open_huge(&p, 1)) {
		out->missing = BENCH_LACKS_HUGE;
		return;
	}
	series_open(&s, reps, p.n);
	/* The first time is for the frames, as in read_miss. */
	for (unsigned generation = 1; generation <= reps + 1; generation++) {
		if (bench.rank == 1)
			pages_fill(&p, generation);
		bench_barrier();
		if (bench.rank == 0) {
			bench_settle();
			before = bench_stats().read_misses;
			read_all(&p, generation, generation == 1 ? NULL : &s);
			misses = bench_stats().read_misses - before;
			if (misses < p.n)
				bench_fail("%llu misses on %u pages", (unsigned long long)misses, p.n);
			if (generation > 1)
				series_rep(&s);
		}
		bench_barrier();
	}
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_extra(out, "rate", out->value > 0 ? (double)HUGE_PAGE / out->value : 0, "MB/s");
	result_floor(out, floor_value(FLOOR_MISS_2M), "bare_miss_2m");
	pages_close(&p);
}
