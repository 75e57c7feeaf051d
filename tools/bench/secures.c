/* SPDX-License-Identifier: BSD-2-Clause */
/* What memory that two nodes hold costs whoever writes it: node 0 has dsm-bench-secure run as a job of its own, whose
 * nodes may die, while the other nodes wait. */
#include "tools/bench/bench.h"
#include "tools/bench/programs.h"
#include "tools/bench/shared.h"

#define PROGRAM "dsm-bench-secure"
#define COLUMNS 5

static void command(char *out, size_t room, int nodes)
{
	char dsmctl[PROGRAM_MAX], program[PROGRAM_MAX];
	const struct options *o = bench.options;

	program_path(program, PROGRAM);
	program_dsmctl(dsmctl);
	snprintf(out, room, "%s run --survive -t %u --no-prefix -n %d -f %s -r 64M%s%s -- %s %u %u", dsmctl,
	         SECURES_SECONDS / 2, nodes, o->faults, o->provider ? " -p " : "",
	         o->provider ? o->provider : "", program, bench_count(20, 4), o->reps);
}

/* Whether all of it has come. */
static int measure(struct series of[COLUMNS])
{
	char line[4 * PROGRAM_MAX];
	double got[COLUMNS];
	unsigned n = 0;
	FILE *in;

	command(line, sizeof line, bench.size);
	in = program_begin(line);
	for (; n < bench.options->reps &&
	       fscanf(in, "%lf %lf %lf %lf %lf", got, got + 1, got + 2, got + 3, got + 4) == COLUMNS;
	     n++)
		for (int i = 0; i < COLUMNS; i++)
			series_rep_one(&of[i], got[i]);
	return pclose(in) == 0 && n == bench.options->reps;
}

static double take(struct series *s)
{
	double value, p99;

	series_summary(s, SERIES_LESS_IS_BETTER, &value, &p99);
	series_close(s);
	return value;
}

void secure_release(struct result *out)
{
	static const char *const name[COLUMNS] = { NULL, "pages_16", "pages_256", "ordinary", "write" };
	struct series of[COLUMNS];
	int is_there = 1;

	for (int i = 0; i < COLUMNS; i++)
		series_open(&of[i], bench.options->reps, 1);
	if (bench.rank == 0)
		is_there = measure(of);
	bench_barrier();
	result_take(out, &of[0], SERIES_LESS_IS_BETTER, "us");
	for (int i = 1; i < COLUMNS; i++)
		result_extra(out, name[i], take(&of[i]), "us");
	if (!is_there)
		out->missing = "the job whose nodes may die has failed";
}
