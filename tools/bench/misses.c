/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single misses: one page, one access, in an order that forms no stream. While node 0
 * takes them, the others wait in a barrier.
 */
#include "tools/bench/rounds.h"
#include "tools/bench/shared.h"

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
	if (bench.rank != 1)
		return;
	pages_verify(p, generation, 1);
	for (unsigned i = 0; i < p->n; i++)
		if (*pages_at(p, i) != generation)
			bench_fail("page %u lacks what node 0 wrote", i);
}

/* Node 0 takes pages whose home is node 1. */
static void misses(struct result *out, struct rounds *r)
{
	struct pages p;
	struct series s;

	r->want = bench_count(2000, 50);
	pages_open_at(&p, r->want, 1);
	series_open(&s, bench.options->reps, p.n);
	rounds_run(r, &p, &s);
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	pages_close(&p);
}

/* Node 0 reads pages that node owner has written. */
static void read_misses(struct result *out, int owner)
{
	struct rounds r = { .writer = owner, .reader = NO_READER, .take = rounds_read_all,
		            .counter = offsetof(struct dsm_stats, read_misses) };

	misses(out, &r);
}

void read_miss(struct result *out)
{
	read_misses(out, 1);
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_PROTECT),
	             "bare_miss + revoke_protect");
}

void read_miss_3hop(struct result *out)
{
	read_misses(out, 2);
	result_floor(out,
	             floor_value(FLOOR_MISS) + floor_value(FLOOR_ROUND_TRIP) / 2 +
	                     floor_value(FLOOR_PROTECT),
	             "bare_miss + bare_round_trip / 2 + revoke_protect");
}

/* Node 0 writes pages that node 1 has written last. */
void write_miss(struct result *out)
{
	struct rounds r = { .writer = 1, .reader = NO_READER, .take = write_all,
		            .verify = verify_written,
		            .counter = offsetof(struct dsm_stats, write_misses) };

	misses(out, &r);
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_ZAP),
	             "bare_miss + revoke_zap");
}

/* Node 0 writes pages that it had written itself before node 1 read them. (Had it read what
 * node 1 wrote, it would be granted them for writing at once the next time.) */
void upgrade(struct result *out)
{
	struct rounds r = { .writer = 0, .reader = 1, .take = write_all,
		            .verify = verify_written,
		            .counter = offsetof(struct dsm_stats, upgrades) };

	misses(out, &r);
	result_floor(out,
	             floor_value(FLOOR_TRAP_UPGRADE) + floor_value(FLOOR_ROUND_TRIP) +
	                     floor_value(FLOOR_ZAP),
	             "bare_trap_upgrade + bare_round_trip + revoke_zap");
}
