/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The standard explorations, short and long, and which rows of the transition table
 * they must have taken between them.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"

/* slots and per_home are no smaller than what a node can have outstanding here, unless
 * it is the shortage that is explored: numbers of slots are part of a state. */
static const char *const short_runs[] = {
	"nodes=2 atomics=2 holds=1 slots=2 one renumber=0",
	"nodes=2 atomics=2 holds=1 slots=2",
	"nodes=3 slots=1 per_home=1 symmetry=0",
	"nodes=3 slots=1 per_home=1 refreshes=1",
	"nodes=3 slots=2 per_home=2 atomics=1",
	"nodes=3 slots=1 per_home=1 holds=1",
	"nodes=3 slots=1 per_home=1 pointers=1 group=1",
	"nodes=3 slots=1 per_home=1 pointers=1 group=3",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 runs=2 threads=1",
	"nodes=2 pages=2 block=2 slots=1 per_home=1",
	"nodes=2 pages=2 slots=2 per_home=1 evict=0 holds=1",
	"nodes=3 pages=2 block=2 slots=1 per_home=1 refreshes=1 threads=1 evict=0",
	"nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 holds=1 pins=1",
	"nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 holds=1 pins=2 pinner=1",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 writes=2 threads=1",
	"nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 writes=2 threads=1 discards=1",
	"nodes=2 slots=2 migratory=2 atomics=1 holds=1",
	"nodes=2 pages=2 block=2 slots=1 per_home=1 migratory=1",
	"nodes=3 slots=1 per_home=1 migratory=2",
	"nodes=3 slots=1 per_home=1 migratory=1 pointers=1 group=3",
	"nodes=4 slots=1 per_home=1 threads=1",
	"nodes=2 slots=2 discards=2 atomics=1 holds=1",
	"nodes=3 slots=1 per_home=1 discards=1",
	"nodes=3 slots=1 per_home=1 discards=1 pointers=1 group=3",
	"nodes=3 slots=1 per_home=1 discards=1 migratory=1",
	"nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 discards=1",
	"nodes=2 slots=1 per_home=1 futex=2 threads=1 holds=1",
	"nodes=2 slots=1 per_home=1 futex=1 threads=1 atomics=1 discards=1",
	"nodes=3 slots=1 per_home=1 futex=1 threads=1 evict=0",
	"nodes=2 pages=2 block=2 slots=1 per_home=1 writes=2 futex=1 threads=1 evict=0",
	"nodes=2 slots=1 crashes=1",
	"nodes=2 pages=2 block=2 slots=1 crashes=1",
	"nodes=3 slots=1 per_home=1 crashes=1",
	"nodes=3 slots=1 per_home=1 crashes=2 threads=1 purge",
	"nodes=2 slots=2 crashes=1 atomics=2",
	"nodes=3 sync=1 only=1 crashes=2",
	"nodes=3 sync=1 only=2 crashes=1",
	"nodes=3 sync=1 only=3 crashes=2",
	"nodes=3 sync=1 only=5 crashes=2",
	"nodes=2 sync=2 only=1 crashes=1",
	"nodes=2 slots=1 futex=2 threads=1 crashes=1",
	"nodes=3 slots=1 futex=2 own=1 faults=0 evict=0 crashes=2",
	"nodes=2 slots=2 discards=1 crashes=1",
	"nodes=2 pages=2 block=2 slots=1 runs=2 threads=1 crashes=1",
	"nodes=2 pages=2 block=2 slots=1 writes=2 threads=1 crashes=1",
	"nodes=2 pages=2 block=2 slots=1 runs=2 threads=1 evict=0 discards=1 crashes=1",
	"nodes=2 slots=2 renews=1 crashes=1",
	"nodes=3 slots=1 per_home=1 renews=2 threads=1 evict=0 crashes=1",
	"nodes=3 slots=1 per_home=1 renews=1 threads=1 evict=0 crashes=2 purge",
	"nodes=2 pages=2 block=2 slots=1 runs=2 threads=1 evict=0 renews=1 crashes=1",
	"nodes=2 slots=1 secure=1 crashes=1 holds=1",
	"nodes=2 slots=1 secure=1 crashes=1 one threads=1",
	"nodes=2 pages=2 slots=1 secure=2 threads=1 evict=0 crashes=1",
	"nodes=2 pages=2 slots=1 secure=1 threads=1 evict=0 crashes=1",
	"nodes=2 slots=2 secure=1 discards=1 threads=1 crashes=1",
	"nodes=2 slots=1 secure=1 futex=1 threads=1 crashes=1",
	"nodes=2 slots=2 secure=1 renews=1 threads=1 crashes=1",
	"nodes=2 pages=2 slots=1 secure=1 renews=1 threads=1 evict=0 crashes=1",
	"nodes=3 slots=1 per_home=1 secure=1 threads=1 evict=0 crashes=2 purge",
	/* Cut short, for the rows that it takes; complete among the long ones. */
	"nodes=3 pages=2 block=2 slots=1 per_home=1 writes=2 threads=1 holds=1 evict=0 max_states=300000",
	"nodes=3 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 evict=0 max_states=100000",
	"nodes=3 slots=2 per_home=2 crashes=1 atomics=1 evict=0 threads=1 purge live=0 max_states=300000",
	"nodes=3 slots=1 per_home=1 crashes=1 futex=1 own=1 evict=0 threads=1 purge live=0 max_states=100000",
	"nodes=2 pages=2 block=2 slots=1 secure=2 runs=2 writes=2 threads=1 evict=0 crashes=1 live=0 max_states=500000",
	"nodes=2 slots=1 per_home=1 futex=2 own=1 threads=1",
	"nodes=3 sync=1",
	"nodes=3 sync=1 overtakes=1",
	NULL,
};

static const char *const long_runs[] = {
	"nodes=3 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 evict=0",
	"nodes=3 slots=1 per_home=1 futex=2 own=1 threads=1 evict=0",
	"nodes=3 pages=2 block=2 slots=1 per_home=1 writes=2 threads=1 holds=1 evict=0",
	"nodes=2 pages=2 slots=2 per_home=2",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 runs=2",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 runs=2 holds=2 threads=1",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 runs=2 writes=2 threads=1",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 runs=2 atomics=1 holds=1 pins=2 pinner=1 threads=1 evict=0",
	"nodes=3 pages=2 block=2 slots=1 per_home=1 runs=2 holds=1 pins=2 threads=1 evict=0",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 writes=2 holds=1 threads=1",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 writes=2 migratory=1 threads=1",
	"nodes=3 pages=2 block=2 slots=1 per_home=1 evict=0 threads=1 writes=2",
	"nodes=2 pages=2 slots=3 per_home=3 atomics=1 threads=1",
	"nodes=3 slots=1 per_home=1 one",
	"nodes=3 slots=2 per_home=2 atomics=3",
	"nodes=3 pages=2 slots=2 per_home=2 evict=0 threads=1",
	"nodes=3 pages=2 block=2 slots=2 per_home=2 evict=0 threads=1",
	"nodes=3 pages=2 block=2 slots=2 per_home=2 evict=0 threads=1 runs=2",
	"nodes=3 pages=2 slots=2 per_home=2 evict=0 threads=1 holds=1",
	"nodes=3 pages=2 slots=2 per_home=2 evict=0 threads=1 atomics=1",
	"nodes=4 slots=1 per_home=1",
	"nodes=4 slots=1 per_home=1 pointers=1 maps=1 group=2",
	"nodes=4 slots=1 per_home=1 holds=1",
	"nodes=4 slots=2 per_home=2 atomics=1",
	"nodes=5 slots=1 per_home=1",
	"nodes=5 slots=1 per_home=1 atomics=1 threads=1",
	"nodes=2 pages=2 slots=2 per_home=2 migratory=1",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 runs=2 migratory=1 threads=1",
	"nodes=4 slots=1 per_home=1 migratory=1 threads=1",
	"nodes=2 slots=2 discards=1 atomics=1 holds=1 one renumber=0",
	"nodes=3 slots=1 per_home=1 discards=1 pointers=1 group=1",
	"nodes=3 slots=1 per_home=1 discards=1 holds=1",
	"nodes=3 slots=1 per_home=1 refreshes=1 discards=1",
	"nodes=2 pages=2 block=2 slots=2 per_home=2 runs=2 threads=1 discards=1",
	"nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 discards=1 holds=1",
	"nodes=3 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 evict=0 discards=1",
	"nodes=2 slots=1 per_home=1 futex=2 threads=1 one renumber=0",
	"nodes=2 slots=2 per_home=2 futex=1 threads=1",
	"nodes=3 slots=1 per_home=1 futex=1 threads=1",
	"nodes=3 slots=1 per_home=1 futex=2 threads=1 evict=0",
	"nodes=3 slots=1 per_home=1 futex=2 threads=1",
	"nodes=3 slots=1 per_home=1 futex=3 threads=1 evict=0",
	"nodes=3 slots=1 per_home=1 futex=3 own=1 threads=1 evict=0",
	"nodes=2 pages=2 slots=2 crashes=1",
	"nodes=3 slots=1 per_home=1 crashes=1 symmetry=0",
	"nodes=3 slots=1 per_home=1 crashes=1 holds=1",
	"nodes=3 slots=1 per_home=1 crashes=1 one",
	"nodes=3 slots=1 per_home=1 crashes=2",
	"nodes=3 slots=2 per_home=2 crashes=1 atomics=1 evict=0 threads=1",
	"nodes=4 slots=1 per_home=1 crashes=1 threads=1 purge evict=0",
	"nodes=3 sync=1 crashes=1",
	"nodes=3 sync=1 crashes=1 one",
	"nodes=3 sync=1 only=2 crashes=1 overtakes=1",
	"nodes=3 sync=1 only=2 crashes=2",
	"nodes=2 sync=2 crashes=1",
	"nodes=3 sync=2 only=5 crashes=1 purge",
	"nodes=4 sync=1 only=1 crashes=1",
	"nodes=4 sync=1 only=4 crashes=2",
	"nodes=4 sync=1 only=3 crashes=2",
	"nodes=3 slots=1 futex=2 faults=0 evict=0 crashes=2",
	"nodes=3 slots=1 futex=3 faults=0 evict=0 crashes=1",
	"nodes=2 slots=1 futex=2 crashes=1 one renumber=0",
	"nodes=3 slots=1 per_home=1 futex=1 threads=1 evict=0 crashes=1 purge",
	"nodes=3 slots=1 per_home=1 discards=1 crashes=1",
	"nodes=2 pages=2 block=2 slots=1 runs=2 threads=1 discards=1 crashes=1",
	"nodes=2 pages=2 block=2 slots=1 runs=2 writes=2 threads=1 evict=0 discards=1 crashes=1",
	"nodes=3 slots=1 per_home=1 renews=1 crashes=1",
	"nodes=3 slots=1 per_home=1 renews=1 discards=1 threads=1 evict=0 crashes=1",
	"nodes=3 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 evict=0 renews=1 crashes=1 purge live=0",
	"nodes=2 pages=2 slots=1 secure=2 threads=1 crashes=1",
	"nodes=2 pages=2 block=2 slots=1 secure=2 runs=2 writes=2 threads=1 evict=0 crashes=1",
	"nodes=2 pages=2 slots=1 secure=1 threads=1 crashes=1",
	"nodes=2 pages=2 slots=2 secure=1 atomics=1 threads=1 evict=0 crashes=1",
	"nodes=3 slots=1 per_home=1 secure=1 threads=1 crashes=1",
	"nodes=3 slots=1 per_home=1 secure=1 threads=1 crashes=2",
	"nodes=3 slots=1 per_home=1 secure=1 renews=1 threads=1 evict=0 crashes=2 purge",
	"nodes=3 slots=1 per_home=1 secure=1 threads=1 holds=1 evict=0 crashes=1",
	"nodes=3 slots=1 per_home=1 secure=1 discards=1 evict=0 threads=1 crashes=1 purge",
	"nodes=2 sync=2",
	"nodes=2 sync=2 overtakes=1",
	"nodes=4 sync=1",
	NULL,
};

/* Rows that no exploration can take, and why they are there. */
static const struct {
	const char *side, *state, *event, *why;
} unreachable[] = {
	{ 0 },
};

static int is_row(const struct coh_row *row, unsigned i)
{
	return unreachable[i].side && !strcmp(row->side, unreachable[i].side) &&
	       !strcmp(row->state, unreachable[i].state) &&
	       !strcmp(row->event, unreachable[i].event);
}

static const char *why_unreachable(const struct coh_row *row)
{
	for (unsigned i = 0; i < sizeof unreachable / sizeof *unreachable; i++)
		if (is_row(row, i))
			return unreachable[i].why;
	return NULL;
}

/* Every row is taken, or cannot be and is listed. Returns the number of mistakes. */
static int check_rows(const uint8_t *taken, FILE *out)
{
	unsigned count, missed = 0, wrong = 0;
	const struct coh_row *row = coh_rows(&count);

	for (unsigned i = 0; i < count; i++) {
		const char *why = why_unreachable(&row[i]);
		if (!taken[i] == !!why)
			continue;
		fprintf(out, "row %s %s %s: %s\n", row[i].side, row[i].state, row[i].event,
		        why ? "taken, but listed as unreachable" : "never taken");
		wrong++;
	}
	for (unsigned i = 0; i < count; i++)
		missed += !taken[i];
	fprintf(out, "%u of %u rows taken, %u listed as unreachable\n", count - missed, count,
	        missed);
	return (int)wrong;
}

static int run_all(const char *const *run, FILE *out, FILE *progress, uint8_t *taken)
{
	const uint64_t whole = x_defaults().max_states; /* another number was meant to cut it short */
	int failed = 0;

	for (; *run; run++) {
		struct x_options o = x_defaults();
		struct x_result r;
		x_options_parse(&o, *run);
		x_explore(&o, progress, &r);
		x_result_print(&o, &r, out);
		fflush(out);
		failed += r.violated || (!r.complete && o.max_states == whole);
		for (unsigned i = 0; i < COH_ROWS_MAX; i++)
			taken[i] |= r.row_taken[i];
		if (r.violated && !progress)
			x_explore(&o, out, &r); /* again, for the trace */
	}
	return failed;
}

/* Where requests keep their numbers, and without: see outcome.c. */
static const char *const numbered[] = {
	"nodes=3 slots=1 per_home=1 crashes=1 symmetry=0 live=0 outcomes asks=4",
	"nodes=3 slots=1 per_home=1 crashes=2 symmetry=0 live=0 outcomes asks=3",
	"nodes=3 slots=2 per_home=2 crashes=1 atomics=2 symmetry=0 live=0 outcomes asks=3",
	"nodes=2 pages=2 block=2 slots=2 crashes=1 runs=2 discards=1 symmetry=0 live=0 outcomes asks=3",
	NULL,
};

static int check_numbers(FILE *out)
{
	int differ = 0;

	for (const char *const *run = numbered; *run; run++) {
		struct x_result r[2];
		for (unsigned exact = 0; exact < 2; exact++) {
			struct x_options o = x_defaults();
			x_options_parse(&o, *run);
			o.exact = exact;
			o.renumber = !exact;
			x_explore(&o, NULL, &r[exact]);
			x_result_print(&o, &r[exact], out);
			differ += r[exact].violated || !r[exact].complete;
		}
		if (r[0].outcomes == r[1].outcomes && r[0].outcomes_sum == r[1].outcomes_sum)
			continue;
		fprintf(out, "the numbers of requests make a difference\n");
		differ++;
	}
	return differ;
}

int x_standard(int is_long, FILE *out)
{
	uint8_t taken[COH_ROWS_MAX] = { 0 };
	int failed = run_all(short_runs, out, NULL, taken);

	if (is_long)
		failed += run_all(long_runs, out, out, taken);
	failed += check_numbers(out);
	return failed + check_rows(taken, out) ? -1 : 0;
}
