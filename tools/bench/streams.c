/* SPDX-License-Identifier: BSD-2-Clause */
/* Many pages that another node has written last, read in some order, every byte of them. */
#include "tools/bench/rounds.h"
#include "tools/bench/shared.h"

/* What the sum of pages first, first + step ... must be. */
static uint64_t sum_expected(unsigned first, unsigned end, unsigned step, unsigned generation)
{
	uint64_t sum = 0;

	for (unsigned i = first; i < end; i += step)
		for (unsigned word = 0; word < PAGE_WORDS; word++)
			sum += pages_word(i, word, generation);
	return sum;
}

/* Node 1 writes all, node 0 reads every step-th page. Returns the seconds it took. */
static double pass(const struct pages *p, unsigned generation, unsigned step)
{
	uint64_t sum = 0, start, end = 0;

	if (bench.rank == 1)
		pages_fill(p, generation);
	bench_barrier();
	start = bench_now_ns();
	if (bench.rank == 0) {
		bench_settle();
		start = bench_now_ns();
		for (unsigned i = 0; i < p->n; i += step)
			sum += bench_add_up(pages_at(p, i), BENCH_PAGE);
		end = bench_now_ns();
		if (sum != sum_expected(0, p->n, step, generation))
			bench_fail("the sum of %u pages is wrong", p->n);
	}
	bench_barrier();
	return (double)(end - start) / 1e9;
}

static double mib(unsigned pages)
{
	return (double)pages * BENCH_PAGE / (1 << 20);
}

static void cold_passes(struct result *out, unsigned n)
{
	const unsigned reps = bench.options->reps;
	struct result one = { 0 };
	struct series s;
	struct pages p;

	series_open(&s, reps, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		pages_open(&p, n);
		series_rep_one(&s, mib(n) / pass(&p, 1, 1));
		pages_close(&p);
	}
	result_take(&one, &s, SERIES_MORE_IS_BETTER, "MiB/s");
	result_extra(out, "cold", one.value, one.unit);
}

void sequential_read(struct result *out)
{
	const unsigned n = bench_count(16384, 128), reps = bench.options->reps;
	struct dsm_stats before, after;
	uint64_t misses = 0;
	struct series s;
	struct pages p;

	series_open(&s, reps, 1);
	pages_open(&p, n);
	pass(&p, 1, 1); /* for the frames */
	for (unsigned rep = 0; rep < reps; rep++) {
		before = bench_stats();
		series_rep_one(&s, mib(n) / pass(&p, 2 + rep, 1));
		after = bench_stats();
		misses += after.read_misses - before.read_misses;
	}
	pages_close(&p);
	result_take(out, &s, SERIES_MORE_IS_BETTER, "MiB/s");
	cold_passes(out, n / 4);
	result_extra(out, "misses_per_page", (double)misses / reps / n, "");
	result_floor(out, floor_value(FLOOR_BANDWIDTH), "bare_bandwidth");
}

void strided_read(struct result *out)
{
	const unsigned step = 4, reps = bench.options->reps;
	const unsigned n = bench_count(8192, 128);
	struct series s;
	struct pages p;

	series_open(&s, reps, 1);
	pages_open(&p, n);
	pass(&p, 1, step);
	for (unsigned rep = 0; rep < reps; rep++) {
		series_rep_one(&s, pass(&p, 2 + rep, step) * 1e6 / (n / step));
	}
	pages_close(&p);
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us/page");
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_PROTECT),
	             "bare_miss + revoke_protect");
}

static void read_half(const struct pages *p, unsigned generation, struct series *s)
{
	pages_read(p, p->n / 2, generation, s);
}

/* What was fetched ahead has been counted; the rest comes now, to be verified. */
static void verify_all(const struct pages *p, unsigned generation)
{
	if (bench.rank == 0)
		pages_verify(p, generation, 0);
}

/* Node 0 reads the first half of the random order, timed one by one. */
void random_read(struct result *out)
{
	static const struct rounds r = { .writer = 1, .reader = NO_READER, .take = read_half,
		                         .verify = verify_all,
		                         .counter = offsetof(struct dsm_stats, pages_fetched) };
	const unsigned n = bench_count(8192, 128), reps = bench.options->reps;
	uint64_t fetched;
	struct series s;
	struct pages p;

	series_open(&s, reps, n / 2);
	pages_open(&p, n);
	fetched = rounds_run(&r, &p, &s);
	pages_close(&p);
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	/* Pages fetched that were not read, of those fetched. */
	result_extra(out, "wasted", fetched ? 100. - 50. * n * reps / (double)fetched : 0, "%");
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_PROTECT),
	             "bare_miss + revoke_protect");
}
