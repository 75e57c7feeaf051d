/* SPDX-License-Identifier: BSD-2-Clause */
/* One page, or a few, that two nodes use in turns or at once. */
#include <stdatomic.h>

#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

static void wait_for(_Atomic uint64_t *word, uint64_t value)
{
	while (atomic_load_explicit(word, memory_order_acquire) != value)
		bench_relax();
}

/* What moving one page costs at least. */
static double move_floor(void)
{
	return floor_value(FLOOR_MISS) + floor_value(FLOOR_ZAP);
}

static const char move_floor_name[] = "bare_miss + revoke_zap";

/* ------------------------------------------------------------------- pingpong -- */

/* n times in each direction: node 0 makes the word odd, node 1 even. */
static void play(_Atomic uint64_t *word, uint64_t base, unsigned n)
{
	for (uint64_t i = base; i < base + 2 * n; i += 2)
		if (bench.rank == 0) {
			wait_for(word, i);
			atomic_store_explicit(word, i + 1, memory_order_release);
		} else {
			wait_for(word, i + 1);
			atomic_store_explicit(word, i + 2, memory_order_release);
		}
	if (bench.rank == 0)
		wait_for(word, base + 2 * n);
}

void pingpong(struct result *out)
{
	const unsigned n = bench_count(500, 5), reps = bench.options->reps;
	_Atomic uint64_t *word = bench_alloc(BENCH_PAGE);
	struct dsm_stats before = bench_stats(), after;
	struct series s;

	series_open(&s, reps, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		bench_barrier();
		uint64_t start = bench_now_ns();

		if (bench.rank < 2)
			play(word, 2ull * n * rep, n);
		series_rep_one(&s, bench_us_since(start) / (2 * n));
	}
	bench_barrier();
	after = bench_stats();
	if (atomic_load(word) != 2ull * n * reps)
		bench_fail("the word is %llu", (unsigned long long)atomic_load(word));
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_extra(out, "faults_per_turn",
	             bench_sum((double)(after.faults - before.faults)) / (2. * n * reps), "");
	result_floor(out, move_floor(), move_floor_name);
}

/* ---------------------------------------------------------- producer, consumer -- */

#define RING 16

/* The counts are on pages of their own, as are the items. */
struct ring {
	struct pages items;
	_Atomic uint64_t *produced, *consumed;
};

static void produce(const struct ring *r, uint64_t first, unsigned n)
{
	for (uint64_t i = first; i < first + n; i++) {
		while (i - atomic_load_explicit(r->consumed, memory_order_acquire) >= RING)
			bench_relax();
		pages_fill_one(&r->items, i % RING, (unsigned)i + 1);
		atomic_store_explicit(r->produced, i + 1, memory_order_release);
	}
}

static void consume(const struct ring *r, uint64_t first, unsigned n)
{
	for (uint64_t i = first; i < first + n; i++) {
		while (atomic_load_explicit(r->produced, memory_order_acquire) <= i)
			bench_relax();
		pages_verify_one(&r->items, i % RING, (unsigned)i + 1, 0);
		atomic_store_explicit(r->consumed, i + 1, memory_order_release);
	}
}

void producer_consumer(struct result *out)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	struct ring ring = { .produced = bench_alloc(BENCH_PAGE),
		             .consumed = bench_alloc(BENCH_PAGE) };
	struct series s;

	pages_open(&ring.items, RING);
	series_open(&s, reps, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		bench_barrier();
		uint64_t start = bench_now_ns();

		if (bench.rank == 1)
			produce(&ring, (uint64_t)n * rep, n);
		else if (bench.rank == 0)
			consume(&ring, (uint64_t)n * rep, n);
		series_rep_one(&s, bench_us_since(start) / n);
	}
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us/page");
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_PROTECT),
	             "bare_miss + revoke_protect");
	pages_close(&ring.items);
}

/* --------------------------------------------------------------- false sharing -- */

/* n atomic increments of a word of our own. Returns nanoseconds for each. */
static double increment(_Atomic uint64_t *word, unsigned n)
{
	uint64_t start = bench_now_ns();

	for (unsigned i = 0; i < n; i++)
		atomic_fetch_add_explicit(word, 1, memory_order_relaxed);
	return (double)(bench_now_ns() - start) / n;
}

void false_sharing(struct result *out)
{
	const unsigned n = bench_count(1000000, 2000), reps = bench.options->reps;
	_Atomic uint64_t *shared = bench_alloc(BENCH_PAGE);
	_Atomic uint64_t *own = bench_alloc((size_t)bench.size * BENCH_PAGE);
	struct series together, alone;
	struct result base = { 0 };

	series_open(&together, reps, 1);
	series_open(&alone, reps, 1);
	/* On one page, a cache line for each; then on a page for each. */
	shared += bench.rank * 8;
	own += (unsigned)bench.rank * PAGE_WORDS;
	for (unsigned rep = 0; rep < reps; rep++) {
		bench_barrier();
		series_rep_one(&together, increment(shared, n));
		bench_barrier();
		series_rep_one(&alone, increment(own, n));
	}
	bench_barrier();
	for (int i = 0; i < bench.size; i++)
		if (atomic_load(&shared[(i - bench.rank) * 8]) != (uint64_t)n * reps)
			bench_fail("increments of node %d are lost", i);
	if (atomic_load(own) != (uint64_t)n * reps)
		bench_fail("increments are lost");
	bench_barrier();
	result_take(&base, &alone, SERIES_LESS_IS_BETTER, "ns");
	result_take(out, &together, SERIES_LESS_IS_BETTER, "ns");
	result_floor(out, base.value, "the same on a page for each node");
}
