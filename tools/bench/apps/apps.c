/* SPDX-License-Identifier: BSD-2-Clause */
/* One kernel: over threads, over nodes, again and again, beside the oracle's word on it. */
#include "tools/bench/apps/apps.h"

#include <stdlib.h>

#include "tools/bench/apps/teams.h"
#include "tools/bench/bench.h"

/* What is measured in each repetition. */
struct figures {
	struct series ms, threads_ms, faults, moved;
};

static double median(struct series *s)
{
	double value, p99;

	series_summary(s, SERIES_LESS_IS_BETTER, &value, &p99);
	series_close(s);
	return value;
}

static void measure(const struct kernel *kernel, struct figures *f)
{
	void *result = NULL; /* rank 0 */

	for (unsigned rep = 0; rep < bench.options->reps; rep++) {
		if (bench.rank == 0)
			series_rep_one(&f->threads_ms,
			               threads_measure(kernel, (unsigned)bench.size, &result));
		bench_barrier();
		struct nodes_run run = nodes_measure(kernel, result);

		series_rep_one(&f->ms, run.ms);
		series_rep_one(&f->faults, run.faults);
		series_rep_one(&f->moved, run.moved);
	}
	free(result);
}

/* A count, the least it could be, and how many times as much it is. */
static void take_count(struct result *out, struct series *s, double least, const char *const *names)
{
	const double count = median(s);

	result_extra(out, names[0], count, "");
	result_extra(out, names[1], least, "");
	if (least > 0)
		result_extra(out, names[2], count / least, "");
}

void app_run(const struct kernel *kernel, struct result *out)
{
	static const char *const faults[] = { "faults", "faults_least", "faults_ratio" };
	static const char *const moved[] = { "moved", "moved_least", "moved_ratio" };
	const unsigned reps = bench.options->reps;
	struct least least = { 0 };
	struct figures f;

	series_open(&f.ms, reps, 1);
	series_open(&f.threads_ms, reps, 1);
	series_open(&f.faults, reps, 1);
	series_open(&f.moved, reps, 1);
	if (bench.rank == 0)
		least = record_least(kernel, (unsigned)bench.size);
	measure(kernel, &f);
	result_take(out, &f.ms, SERIES_LESS_IS_BETTER, "ms");
	result_floor(out, median(&f.threads_ms), "threads");
	take_count(out, &f.faults, (double)least.faults / bench.size, faults);
	take_count(out, &f.moved, (double)least.moved, moved);
}
