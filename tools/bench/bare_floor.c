/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames of the floors that node 0 measures: alone, or while node 1 serves. */
#include <stdlib.h>

#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

void bare_floor_served(struct result *out, const struct bare_served *f)
{
	const unsigned reps = bench.options->reps;
	struct bare_set set;
	struct series s;
	uint32_t *order;

	out->unit = "us";
	if (!bare_set_open(&set, f->page_bytes, f->pages)) {
		out->missing = BENCH_LACKS_HUGE;
		return;
	}
	order = bench_shuffle(f->pages);
	series_open(&s, reps, f->samples);
	if (bench.rank == 0) {
		if (f->fault)
			bare_window_start(&set.window, f->fault, &set);
		for (unsigned rep = 0; rep < reps; rep++)
			f->rep(&set, order, &s);
		if (f->fault)
			bare_window_stop(&set.window);
	}
	bare_set_serve(&set);
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	free(order);
	bare_set_close(&set);
}

void bare_floor_alone(struct result *out, const struct bare_alone *f)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	uint32_t *order = bench_shuffle(n);
	struct bare_window w;
	struct series s;

	series_open(&s, reps, n);
	if (bench.rank == 0) {
		bare_window_open(&w, BENCH_PAGE, n, f->by_signal);
		if (f->fault)
			bare_window_start(&w, f->fault, &w);
		for (unsigned rep = 0; rep < reps; rep++)
			f->rep(&w, order, &s);
		if (f->fault)
			bare_window_stop(&w);
		bare_window_close(&w);
	}
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	free(order);
}
