/* SPDX-License-Identifier: BSD-2-Clause */
/* Floors: what a trap costs when nothing has to be fetched. */
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

static void on_miss(void *ctx, uint64_t page)
{
	bare_window_map(ctx, page, false);
}

static void on_upgrade(void *ctx, uint64_t page)
{
	bare_window_unprotect(ctx, page);
}

static void read_all(struct bare_window *w, const uint32_t *order, struct series *s)
{
	for (size_t i = 0; i < w->pages; i++) {
		uint64_t start = bench_now_ns(), value = *bare_window_word(w, order[i]);

		series_add(s, bench_us_since(start));
		if (value != order[i])
			bench_fail("page %u reads %llu", order[i], (unsigned long long)value);
	}
	series_rep(s);
}

static void write_all(struct bare_window *w, const uint32_t *order, struct series *s)
{
	for (size_t i = 0; i < w->pages; i++) {
		uint64_t start = bench_now_ns();

		*bare_window_word(w, order[i]) = order[i];
		series_add(s, bench_us_since(start));
	}
	series_rep(s);
}

/* Every page is written through the alias, and maybe mapped for reading. */
static void prepare(struct bare_window *w, bool mapped)
{
	bare_window_zap(w, 0, w->pages);
	for (size_t page = 0; page < w->pages; page++) {
		*(uint64_t *)(w->alias + page * w->page_bytes) = mapped ? 0 : page;
		if (mapped)
			bare_window_map(w, page, false);
	}
}

static void verify(const struct bare_window *w)
{
	for (size_t page = 0; page < w->pages; page++)
		if (*(uint64_t *)(w->alias + page * w->page_bytes) != page)
			bench_fail("what was written to page %zu is not there", page);
}

static void trap(struct result *out, bool upgrade)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	uint32_t *order = bench_shuffle(n);
	struct bare_window w;
	struct series s;

	series_open(&s, reps, n);
	if (bench.rank == 0) {
		bare_window_open(&w, BENCH_PAGE, n, !strcmp(bench.options->faults, "signal"));
		bare_window_start(&w, upgrade ? on_upgrade : on_miss, &w);
		for (unsigned rep = 0; rep < reps; rep++) {
			prepare(&w, upgrade);
			if (upgrade)
				write_all(&w, order, &s);
			else
				read_all(&w, order, &s);
			verify(&w);
		}
		bare_window_stop(&w);
		bare_window_close(&w);
	}
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	free(order);
}

void bare_trap(struct result *out)
{
	trap(out, false);
}

void bare_trap_upgrade(struct result *out)
{
	trap(out, true);
}
