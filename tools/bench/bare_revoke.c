/* SPDX-License-Identifier: BSD-2-Clause */
/* Floors: what it costs to take access to one page away. */
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

/* None traps here: what is used is mapped before. */
static void on_fault(void *ctx, uint64_t page)
{
	bench_fail("a fault on page %llu, which is mapped", (unsigned long long)page);
}

static void map_all(struct bare_window *w)
{
	bare_window_zap(w, 0, w->pages);
	for (size_t page = 0; page < w->pages; page++) {
		bare_window_map(w, page, true);
		*bare_window_word(w, page) = page;
	}
}

static void revoke_pages(struct result *out, bool zap)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	uint32_t *order = bench_shuffle(n);
	struct bare_window w;
	struct series s;

	series_open(&s, reps, n);
	if (bench.rank == 0) {
		bare_window_open(&w, BENCH_PAGE, n, !strcmp(bench.options->faults, "signal"));
		bare_window_start(&w, on_fault, &w);
		for (unsigned rep = 0; rep < reps; rep++) {
			map_all(&w);
			for (unsigned i = 0; i < n; i++) {
				uint64_t start = bench_now_ns();

				if (zap)
					bare_window_zap(&w, order[i], 1);
				else
					bare_window_protect(&w, order[i]);
				series_add(&s, (double)(bench_now_ns() - start) / 1e3);
			}
			series_rep(&s);
		}
		bare_window_stop(&w);
		bare_window_close(&w);
	}
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	free(order);
}

void revoke_protect(struct result *out)
{
	revoke_pages(out, false);
}

void revoke_zap(struct result *out)
{
	revoke_pages(out, true);
}
