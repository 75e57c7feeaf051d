/* SPDX-License-Identifier: BSD-2-Clause */
/* Floors: a small message there and back, and one there with a page back. */
#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

static unsigned pings(void)
{
	return bench_count(4000, 20);
}

static void ping_all(struct bare_set *set, const uint32_t *order, struct series *s)
{
	bare_set_ping(set);
	for (unsigned i = 0; i < pings(); i++) {
		uint64_t start = bench_now_ns();

		bare_set_ping(set);
		series_add(s, bench_us_since(start));
	}
	series_rep(s);
}

void bare_round_trip(struct result *out)
{
	const struct bare_served floor = { .page_bytes = BENCH_PAGE, .pages = 1,
		                           .samples = pings(), .rep = ping_all };

	bare_floor_served(out, &floor);
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
	const struct bare_served floor = { .page_bytes = page_bytes, .pages = pages,
		                           .samples = pages, .rep = fetch_all };

	bare_floor_served(out, &floor);
}

void bare_page_round_trip(struct result *out)
{
	page_round_trip(out, BENCH_PAGE, bench_count(2000, 20));
}

void bare_page_round_trip_2m(struct result *out)
{
	page_round_trip(out, HUGE_PAGE, bench_count(32, 2));
}
