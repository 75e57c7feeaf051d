/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single misses: one page, one access, in an order that forms no stream. While node 0
 * takes them, the others wait in a barrier.
 */
#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

/* Reads the first word of every page, timed (unless s is NULL), and then all of it. */
static void read_all(const struct pages *p, unsigned generation, struct series *s)
{
	pages_read(p, p->n, generation, s);
	pages_verify(p, generation, 0);
}

/* Writes the first word of every page, timed (unless s is NULL), and looks at the rest. */
static void write_all(const struct pages *p, unsigned generation, struct series *s)
{
	for (unsigned i = 0; i < p->n; i++) {
		const unsigned page = p->order[i];
		uint64_t start = bench_now_ns();

		*pages_at(p, page) = generation;
		if (s)
			series_add(s, bench_us_since(start));
	}
	pages_verify(p, generation, 1);
}

/* What node 0 wrote is seen by another one, beside what that had written before. */
static void verify_written(const struct pages *p, unsigned generation)
{
	pages_verify(p, generation, 1);
	for (unsigned i = 0; i < p->n; i++)
		if (*pages_at(p, i) != generation)
			bench_fail("page %u lacks what node 0 wrote", i);
}

/* What is timed at node 0 must be misses, but for a few that were fetched ahead by chance, or
 * the test measures something else. */
static void count_check(uint64_t got, uint64_t want)
{
	if (got < want - want / 10)
		bench_fail("%llu misses where %llu were expected", (unsigned long long)got,
		           (unsigned long long)want);
}

/* Pages that node owner has written are read by node 0; their home is node home. */
static void read_misses(struct result *out, int owner, int home)
{
	const unsigned n = bench_count(2000, 50), reps = bench.options->reps;
	uint64_t before = 0;
	struct pages p;
	struct series s;

	pages_open_at(&p, n, home);
	series_open(&s, reps, n);
	/* The first time is for the frames, which are allocated then. */
	for (unsigned generation = 1; generation <= reps + 1; generation++) {
		if (bench.rank == owner)
			pages_fill(&p, generation);
		bench_barrier();
		if (bench.rank == 0) {
			bench_settle();
			before = bench_stats().read_misses;
			read_all(&p, generation, generation == 1 ? NULL : &s);
			count_check(bench_stats().read_misses - before, n);
			if (generation > 1)
				series_rep(&s);
		}
		bench_barrier();
	}
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	pages_close(&p);
}

void read_miss(struct result *out)
{
	read_misses(out, 1, 1);
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_PROTECT),
	             "bare_miss + revoke_protect");
}

void read_miss_3hop(struct result *out)
{
	read_misses(out, 2, 1);
	result_floor(out,
	             floor_value(FLOOR_MISS) + floor_value(FLOOR_ROUND_TRIP) / 2 +
	                     floor_value(FLOOR_PROTECT),
	             "bare_miss + bare_round_trip / 2 + revoke_protect");
}

/* Node 0 writes pages that node 1 has written last; or those that it had written itself
 * before node 1 read them. (Had it read what node 1 wrote, it would be granted them for writing
 * at once the next time.) */
static void writes(struct result *out, int shared)
{
	const unsigned n = bench_count(2000, 50), reps = bench.options->reps;
	struct dsm_stats before, after;
	struct pages p;
	struct series s;

	pages_open_at(&p, n, 1);
	series_open(&s, reps, n);
	for (unsigned generation = 1; generation <= reps + 1; generation++) {
		if (bench.rank == !shared)
			pages_fill(&p, generation);
		bench_barrier();
		if (bench.rank == 1 && shared)
			read_all(&p, generation, NULL);
		bench_barrier();
		if (bench.rank == 0) {
			bench_settle();
			before = bench_stats();
			write_all(&p, generation, generation == 1 ? NULL : &s);
			after = bench_stats();
			if (shared)
				count_check(after.upgrades - before.upgrades, n);
			else
				count_check(after.write_misses - before.write_misses, n);
			if (generation > 1)
				series_rep(&s);
		}
		bench_barrier();
		if (bench.rank == 1)
			verify_written(&p, generation);
		bench_barrier();
	}
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	pages_close(&p);
}

void write_miss(struct result *out)
{
	writes(out, 0);
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_ZAP),
	             "bare_miss + revoke_zap");
}

void upgrade(struct result *out)
{
	writes(out, 1);
	result_floor(out,
	             floor_value(FLOOR_TRAP_UPGRADE) + floor_value(FLOOR_ROUND_TRIP) +
	                     floor_value(FLOOR_ZAP),
	             "bare_trap_upgrade + bare_round_trip + revoke_zap");
}
