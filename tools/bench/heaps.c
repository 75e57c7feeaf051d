/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * malloc and free of programs under dsmctl run --threads. Node 0 has dsm-bench-heap run as one, on its
 * machine, while the other nodes wait; and once more alone, for glibc's.
 */
#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/bench/programs.h"
#include "tools/bench/shared.h"

#define PROGRAM "dsm-bench-heap"
enum { HERE, HERE_MANY, ELSEWHERE, ELSEWHERE_USED, TOLD, COLUMNS }; /* of what it prints */

static struct {
	bool done;
	double nodes[COLUMNS], glibc[COLUMNS], p99[COLUMNS]; /* of nodes; rank 0 */
	const char *missing;
} heaps;

/* For the shell. */
static void command(char *out, size_t room, bool on_nodes, unsigned blocks, unsigned reps)
{
	char dsmctl[PROGRAM_MAX], program[PROGRAM_MAX];

	program_path(program, PROGRAM);
	program_dsmctl(dsmctl);
	if (on_nodes)
		snprintf(out, room, "%s run -t %u --threads -n 2 -- %s %u %u", dsmctl,
		         HEAPS_SECONDS / 2, program, blocks, reps);
	else
		snprintf(out, room, "%s %u %u", program, blocks, reps);
}

static unsigned take_line(struct series *s, const double *got)
{
	for (int i = 0; i < COLUMNS; i++)
		series_rep_one(&s[i], got[i]);
	return 1;
}

/* The columns' medians, and 99th percentiles unless NULL. False: it fails, after telling why. */
static bool run(bool on_nodes, double value[COLUMNS], double *p99)
{
	const unsigned reps = bench.options->reps, blocks = bench_count(1000000, 10000);
	char line[3 * PROGRAM_MAX];
	struct series s[COLUMNS];
	double unused, got[COLUMNS];
	unsigned n = 0;
	FILE *in;
	bool ended;

	command(line, sizeof line, on_nodes, blocks, reps);
	for (int i = 0; i < COLUMNS; i++)
		series_open(&s[i], reps, 1);
	in = program_begin(line);
	while (n < reps && fscanf(in, "%lf %lf %lf %lf %lf", got, got + 1, got + 2, got + 3,
	                          got + 4) == COLUMNS)
		n += take_line(s, got);
	ended = pclose(in) == 0;
	for (int i = 0; i < COLUMNS; i++) {
		series_summary(&s[i], SERIES_LESS_IS_BETTER, &value[i], p99 ? &p99[i] : &unused);
		series_close(&s[i]);
	}
	return ended && n == reps;
}

static void run_both(void)
{
	if (heaps.done)
		return;
	heaps.done = true;
	if (strcmp(bench.options->faults, "event"))
		heaps.missing = "only where faults are events (--faults event)";
	else if (!run(true, heaps.nodes, heaps.p99) || !run(false, heaps.glibc, NULL))
		heaps.missing = "no programs with threads";
}

/* --- the tests --- */

static void one_column(struct result *out, int column, int beside, const char *name)
{
	if (bench.rank == 0)
		run_both();
	bench_barrier();
	out->unit = "ns";
	out->value = heaps.nodes[column];
	out->p99 = heaps.p99[column];
	out->missing = heaps.missing;
	if (heaps.missing)
		return;
	result_floor(out, heaps.glibc[column], "glibc");
	result_extra(out, name, heaps.nodes[beside], "ns");
}

void malloc_here(struct result *out)
{
	one_column(out, HERE, HERE_MANY, "many");
}

void malloc_elsewhere(struct result *out)
{
	one_column(out, ELSEWHERE, ELSEWHERE_USED, "used");
	if (!heaps.missing)
		result_extra(out, "told", heaps.nodes[TOLD], "ns");
}
