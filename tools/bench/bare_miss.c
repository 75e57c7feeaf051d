/* SPDX-License-Identifier: BSD-2-Clause */
/* Floor: a miss without a protocol. Fault, request, page into the frame, map, go on. */
#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

static void on_fault(void *ctx, uint64_t page)
{
	struct bare_set *set = ctx;

	bare_set_fetch(set, page);
	bare_window_map(&set->window, page, false);
}

static void read_all(struct bare_set *set, const uint32_t *order, struct series *s)
{
	bare_window_zap(&set->window, 0, set->window.pages);
	bare_set_clear(set);
	bare_window_order(&set->window);
	for (size_t i = 0; i < set->window.pages; i++) {
		uint64_t start = bench_now_ns();
		uint64_t value = *bare_window_word(&set->window, order[i]);

		series_add(s, bench_us_since(start));
		if (value != bare_set_word(order[i]))
			bench_fail("page %u reads %llx", order[i], (unsigned long long)value);
	}
	series_rep(s);
	bare_window_order(&set->window);
	bare_set_verify(set);
}

static void miss(struct result *out, size_t page_bytes, unsigned pages)
{
	const struct bare_served floor = { .page_bytes = page_bytes, .pages = pages,
		                           .samples = pages, .fault = on_fault,
		                           .rep = read_all };

	bare_floor_served(out, &floor);
}

void bare_miss(struct result *out)
{
	miss(out, BENCH_PAGE, bench_count(2000, 20));
}

void bare_miss_2m(struct result *out)
{
	miss(out, HUGE_PAGE, bench_count(32, 2));
}
