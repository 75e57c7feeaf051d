/* SPDX-License-Identifier: BSD-2-Clause */
/* What memory that two nodes hold costs whoever writes it: node 0 has dsm-bench-secure run as a job of its own, whose
 * nodes may die, while the other nodes wait. */
#include "tools/bench/bench.h"
#include "tools/bench/programs.h"
#include "tools/bench/shared.h"

#define PROGRAM "dsm-bench-secure"
#define COLUMNS 5

/* Whether all of it has come. */
static int measure(struct series of[COLUMNS])
{
	char line[4 * PROGRAM_MAX], options[64], arguments[32];
	double got[COLUMNS];
	unsigned n = 0;
	FILE *in;

	snprintf(options, sizeof options, "--survive -t %u -n %d -r 64M", SECURES_SECONDS / 2, bench.size);
	snprintf(arguments, sizeof arguments, "%u %u", bench_count(20, 4), bench.options->reps);
	program_job(line, sizeof line, options, PROGRAM, arguments);
	in = program_begin(line);
	for (; n < bench.options->reps &&
	       fscanf(in, "%lf %lf %lf %lf %lf", got, got + 1, got + 2, got + 3, got + 4) == COLUMNS;
	     n++)
		for (int i = 0; i < COLUMNS; i++)
			series_rep_one(&of[i], got[i]);
	return pclose(in) == 0 && n == bench.options->reps;
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
		result_beside(out, name[i], &of[i], SERIES_LESS_IS_BETTER, "us");
	if (!is_there)
		out->missing = "the job whose nodes may die has failed";
}
