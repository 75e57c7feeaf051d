/* SPDX-License-Identifier: BSD-2-Clause */
/* Floors: what a trap costs when nothing has to be fetched. */
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

static void rep_miss(struct bare_window *w, const uint32_t *order, struct series *s)
{
	prepare(w, false);
	read_all(w, order, s);
	verify(w);
}

static void rep_upgrade(struct bare_window *w, const uint32_t *order, struct series *s)
{
	prepare(w, true);
	write_all(w, order, s);
	verify(w);
}

void bare_trap(struct result *out)
{
	const struct bare_alone floor = { .by_signal = !strcmp(bench.options->faults, "signal"),
		                          .fault = on_miss, .rep = rep_miss };

	bare_floor_alone(out, &floor);
}

void bare_trap_upgrade(struct result *out)
{
	const struct bare_alone floor = { .by_signal = !strcmp(bench.options->faults, "signal"),
		                          .fault = on_upgrade, .rep = rep_upgrade };

	bare_floor_alone(out, &floor);
}
