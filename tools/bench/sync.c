/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks, barriers, and atomics that do not move the page. */
#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

/* Each node n times: lock, add one, unlock. */
static void count_up(dsm_mutex mutex, volatile uint64_t *counter, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		OK(dsm_mutex_lock(bench.dsm, mutex));
		++*counter;
		OK(dsm_mutex_unlock(bench.dsm, mutex));
	}
}

void lock_counter(struct result *out)
{
	const unsigned n = bench_count(5000, 20), reps = bench.options->reps;
	const double nodes = bench.size;
	struct {
		dsm_mutex mutex;
		uint64_t counter;
	} *shared = bench_alloc(BENCH_PAGE);
	dsm_mutex mutex;
	struct series s;
	double floor;

	if (bench.rank == 0)
		OK(dsm_mutex_create(bench.dsm, &shared->mutex));
	bench_barrier();
	mutex = shared->mutex;
	series_open(&s, reps, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		bench_barrier();
		uint64_t start = bench_now_ns();

		count_up(mutex, &shared->counter, n);
		bench_barrier(); /* until the last one is through */
		series_rep_one(&s, nodes * n * 1e9 / (double)(bench_now_ns() - start));
	}
	if (shared->counter != (uint64_t)(nodes * n * reps))
		bench_fail("the counter is %llu", (unsigned long long)shared->counter);
	bench_barrier();
	if (bench.rank == 0)
		OK(dsm_mutex_destroy(bench.dsm, mutex));
	result_take(out, &s, SERIES_MORE_IS_BETTER, "1/s");
	/* The lock goes to another node each time, and the counter's page with it. */
	floor = floor_value(FLOOR_ROUND_TRIP) / 2 + floor_value(FLOOR_MISS) +
	        floor_value(FLOOR_ZAP);
	result_floor(out, floor > 0 ? 1e6 / floor : 0,
	             "1 / (bare_round_trip / 2 + bare_miss + revoke_zap)");
}

void barrier(struct result *out)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	uint64_t *count = bench_alloc((size_t)bench.size * BENCH_PAGE);
	struct series s;
	int rounds = 0;

	while (1 << rounds < bench.size)
		rounds++;
	series_open(&s, reps, n);
	for (unsigned rep = 0; rep < reps; rep++) {
		bench_barrier();
		for (unsigned i = 0; i < n; i++) {
			uint64_t start = bench_now_ns();

			bench_barrier();
			series_add(&s, bench_us_since(start));
		}
		series_rep(&s);
		/* What a node did before a barrier is seen by all after it. */
		count[(unsigned)bench.rank * PAGE_WORDS] = rep + 1;
		bench_barrier();
		for (int i = 0; i < bench.size; i++)
			if (count[(unsigned)i * PAGE_WORDS] != rep + 1)
				bench_fail("node %d is not seen to have come", i);
	}
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_floor(out, rounds * floor_value(FLOOR_ROUND_TRIP), "rounds x bare_round_trip");
}

/* The table's names for it with so many nodes. */
void barrier_4(struct result *out)
{
	barrier(out);
}

void barrier_8(struct result *out)
{
	barrier(out);
}

void fetch_add(struct result *out)
{
	const unsigned n = bench_count(4000, 20), reps = bench.options->reps;
	uint64_t old, *word;
	struct series s;
	struct pages p;

	pages_open_at(&p, 1, 1);
	word = (uint64_t *)(uintptr_t)pages_at(&p, 0);
	series_open(&s, reps, n);
	for (unsigned rep = 0; bench.rank == 0 && rep < reps; rep++) {
		for (unsigned i = 0; i < n; i++) {
			uint64_t start = bench_now_ns();

			OK(dsm_fetch_add64(bench.dsm, word, 3, &old));
			series_add(&s, bench_us_since(start));
			if (old != 3ull * (rep * n + i))
				bench_fail("fetch_add gives %llu", (unsigned long long)old);
		}
		series_rep(&s);
	}
	bench_barrier();
	if (*(volatile uint64_t *)word != 3ull * n * reps)
		bench_fail("the sum is %llu", (unsigned long long)*word);
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_floor(out, floor_value(FLOOR_ROUND_TRIP), "bare_round_trip");
	pages_close(&p);
}
