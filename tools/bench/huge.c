/* SPDX-License-Identifier: BSD-2-Clause */
/* Single misses on pages of 2 MiB. */
#include "tools/bench/rounds.h"
#include "tools/bench/shared.h"

void pmd_fetch(struct result *out)
{
	struct rounds r = { .writer = 1, .reader = NO_READER, .take = rounds_read_all,
		            .counter = offsetof(struct dsm_stats, read_misses) };
	struct pages p;
	struct series s;

	out->unit = "us";
	if (!pages_open_huge(&p, 1)) {
		out->missing = BENCH_LACKS_HUGE;
		return;
	}
	series_open(&s, bench.options->reps, p.n);
	r.want = p.n;
	rounds_run(&r, &p, &s);
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_extra(out, "rate", out->value > 0 ? (double)HUGE_PAGE / out->value : 0, "MB/s");
	result_floor(out, floor_value(FLOOR_MISS_2M), "bare_miss_2m");
	pages_close(&p);
}
