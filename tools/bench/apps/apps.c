/* SPDX-License-Identifier: BSD-2-Clause */
/* One kernel: over threads, over nodes, again and again, beside the oracle's word on it. */
#include "tools/bench/apps/apps.h"

#include <stdlib.h>

#include "tools/bench/apps/teams.h"
#include "tools/bench/bench.h"

/* A count, and the least that it could have been. */
struct count {
	struct series is, least, ratio;
};

/* What is measured in each repetition; rank 0's counts. */
struct figures {
	struct series ms, threads_ms;
	struct count faults, moved;
};

static void count_open(struct count *c)
{
	const unsigned reps = bench.options->reps;

	series_open(&c->is, reps, 1);
	series_open(&c->least, reps, 1);
	series_open(&c->ratio, reps, 1);
}

static void count_rep(struct count *c, double is, double least)
{
	series_rep_one(&c->is, is);
	series_rep_one(&c->least, least);
	series_rep_one(&c->ratio, least > 0 ? is / least : 0);
}

static double median(struct series *s)
{
	double value, p99;

	series_summary(s, SERIES_LESS_IS_BETTER, &value, &p99);
	series_close(s);
	return value;
}

static void count_take(struct result *out, struct count *c, const char *const *names)
{
	result_extra(out, names[0], median(&c->is), "");
	result_extra(out, names[1], median(&c->least), "");
	result_extra(out, names[2], median(&c->ratio), "");
}

/* With barriers alone the least is the same each time, with locks it depends on who took them
 * when. */
static void judge(const struct kernel *kernel, struct figures *f, struct nodes_run *run, bool first)
{
	static struct least least;

	if (first || kernel->locks)
		least = record_least(kernel, (unsigned)bench.size, &run->order);
	count_rep(&f->faults, run->faults, (double)least.faults / bench.size);
	count_rep(&f->moved, run->moved, (double)least.moved);
	free(run->order.member);
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
		if (bench.rank == 0)
			judge(kernel, f, &run, rep == 0);
	}
	free(result);
}

void app_run(const struct kernel *kernel, struct result *out)
{
	static const char *const faults[] = { "faults", "faults_least", "faults_ratio" };
	static const char *const moved[] = { "moved", "moved_least", "moved_ratio" };
	struct figures f;

	series_open(&f.ms, bench.options->reps, 1);
	series_open(&f.threads_ms, bench.options->reps, 1);
	count_open(&f.faults);
	count_open(&f.moved);
	measure(kernel, &f);
	result_take(out, &f.ms, SERIES_LESS_IS_BETTER, "ms");
	result_floor(out, median(&f.threads_ms), "threads");
	count_take(out, &f.faults, faults);
	count_take(out, &f.moved, moved);
}
