/* SPDX-License-Identifier: BSD-2-Clause */
/* Floors: a small message there and back, and one there with a page back. */
#include <stdlib.h>

#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

void bare_round_trip(struct result *out)
{
	const unsigned n = bench_count(4000, 20), reps = bench.options->reps;
	struct bare_set set;
	struct series s;

	bare_set_open(&set, BENCH_PAGE, 1);
	series_open(&s, reps, n);
	for (unsigned rep = 0; bench.rank == 0 && rep < reps; rep++) {
		bare_set_ping(&set);
		for (unsigned i = 0; i < n; i++) {
			uint64_t start = bench_now_ns();

			bare_set_ping(&set);
			series_add(&s, bench_us_since(start));
		}
		series_rep(&s);
	}
	if (bench.rank == 0)
		bare_stop(set.fabric, 1);
	else if (bench.rank == 1)
		bare_serve(set.fabric, &set.area);
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	bare_set_close(&set);
}

static void fetch_all(struct bare_set *set, const uint32_t *order, struct series *s)
{
	bare_set_clear(set);
	for (size_t i = 0; i < set->window.pages; i++) {
		uint64_t start = bench_now_ns();

		bare_set_fetch(set, order[i]);
		series_add(s, bench_us_since(start));
	}
	series_rep(s);
	bare_set_verify(set);
}

static void page_round_trip(struct result *out, size_t page_bytes, unsigned pages)
{
	const unsigned reps = bench.options->reps;
	struct bare_set set;
	struct series s;
	uint32_t *order;

	out->unit = "us";
	if (!bare_set_open(&set, page_bytes, pages)) {
		out->missing = "no huge pages (vm.nr_hugepages)";
		return;
	}
	order = bench_shuffle(pages);
	series_open(&s, reps, pages);
	if (bench.rank == 0) {
		for (unsigned rep = 0; rep < reps; rep++)
			fetch_all(&set, order, &s);
		bare_stop(set.fabric, 1);
	} else if (bench.rank == 1) {
		bare_serve(set.fabric, &set.area);
	}
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	free(order);
	bare_set_close(&set);
}

void bare_page_round_trip(struct result *out)
{
	page_round_trip(out, BENCH_PAGE, bench_count(2000, 20));
}

void bare_page_round_trip_2m(struct result *out)
{
	page_round_trip(out, HUGE_PAGE, bench_count(32, 2));
}
