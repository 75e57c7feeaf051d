/* SPDX-License-Identifier: BSD-2-Clause */
/* How data is shared, and how many misses that costs: what wanders from node to node, and
 * what all read and one writes now and then. Barriers take the turns. */
#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

static uint64_t misses(void)
{
	struct dsm_stats stats = bench_stats();

	return stats.read_misses + stats.write_misses + stats.upgrades;
}

/* Misses of all nodes from before to now, for each of so many. Nobody touches shared
 * memory between the two looks but the test. */
static double misses_each(uint64_t before, unsigned n)
{
	uint64_t mine = misses() - before;

	bench_barrier();
	return bench_sum((double)mine) / n;
}

/* The nodes take turns to read and then write every word. Returns misses per turn. */
static double wander(volatile uint64_t *at, unsigned turns, uint64_t base)
{
	uint64_t before = misses();

	bench_barrier();
	for (unsigned turn = 0; turn < turns; turn++) {
		for (unsigned i = 0; turn % bench.size == (unsigned)bench.rank && i < PAGE_WORDS;
		     i++) {
			if (at[i] != base + turn)
				bench_fail("word %u is %llu in turn %u", i,
				           (unsigned long long)at[i], turn);
			at[i] = base + turn + 1;
		}
		bench_barrier();
	}
	return misses_each(before, turns);
}

/* A page on which all nodes do the same n times, in each repetition, and once before these, so
 * that the habit is known. once returns misses for each of the n; base is the word's value. */
static void habit(struct result *out, unsigned n, const char *unit,
                  double (*once)(volatile uint64_t *at, unsigned n, uint64_t base))
{
	const unsigned reps = bench.options->reps;
	volatile uint64_t *at = bench_alloc(BENCH_PAGE);
	struct series s;

	series_open(&s, reps, 1);
	once(at, n, 0);
	for (unsigned rep = 1; rep <= reps; rep++)
		series_rep_one(&s, once(at, n, (uint64_t)rep * n));
	result_take(out, &s, SERIES_LESS_IS_BETTER, unit);
}

void migratory(struct result *out)
{
	habit(out, bench_count(1000, 20), "misses/turn", wander);
	result_floor(out, 1, "one miss a turn");
}

#define LOOKS 4 /* at what was written, by each node */

/* Node 0 writes a word now and then; all look at it, one after the other, several times.
 * Returns misses for each writing. */
static double publish(volatile uint64_t *at, unsigned rounds, uint64_t base)
{
	uint64_t before = misses();

	bench_barrier();
	for (unsigned round = 1; round <= rounds; round++) {
		if (bench.rank == 0)
			*at = base + round;
		bench_barrier();
		for (int look = 0; look < LOOKS * bench.size; look++) {
			if (look % bench.size == bench.rank && *at != base + round)
				bench_fail("%llu is read in round %u", (unsigned long long)*at,
				           round);
			bench_barrier();
		}
	}
	return misses_each(before, rounds);
}

void read_mostly(struct result *out)
{
	habit(out, bench_count(200, 5), "misses/write", publish);
	result_floor(out, bench.size, "one miss a node");
}
