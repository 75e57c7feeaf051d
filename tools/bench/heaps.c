/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * malloc and free of programs under dsmctl run --threads. Node 0 has dsm-bench-heap run as one, on its
 * machine, while the other nodes wait; and once more alone, for glibc's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/shared.h"

#define PROGRAM "dsm-bench-heap"
#define COLUMNS 4 /* of what it prints */

static struct {
	bool done;
	double nodes[COLUMNS], glibc[COLUMNS], p99[COLUMNS]; /* of nodes; rank 0 */
	const char *missing;
} heaps;

/* --- where the programs are --- */

/* Where dsm-bench is: installed, or in the build directory, perhaps in libtool's below that. */
static void own_directory(char path[PATH_MAX])
{
	const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		bench_fail("/proc/self/exe: %s", strerror(errno));
	*slash = '\0';
	slash = strrchr(path, '/');
	if (slash && strcmp(slash, "/.libs") == 0)
		*slash = '\0';
}

/* For the shell, in quotes. */
static void command(char *out, size_t room, bool on_nodes, unsigned blocks, unsigned reps)
{
	char dir[PATH_MAX], program[PATH_MAX + sizeof "/" PROGRAM], run[PATH_MAX + 64] = "";

	own_directory(dir);
	snprintf(program, sizeof program, "%s/" PROGRAM, dir);
	if (access(program, X_OK))
		snprintf(program, sizeof program, "%s", PKGLIBEXECDIR "/" PROGRAM);
	if (on_nodes)
		snprintf(run, sizeof run, "'%s/dsmctl' run -t %u --threads -n 2 --", dir,
		         HEAPS_SECONDS / 2);
	snprintf(out, room, "%s '%s' %u %u", run, program, blocks, reps);
}

/* --- running them --- */

/* What it is told must be of its own job, not of ours. */
static FILE *begin(const char *line)
{
	static const char *const ours[] = { "DSM_JOB", "DSM_RANK", "DSM_SIZE", "DSM_RENDEZVOUS",
		                            "DSM_SECRET", "DSM_FAULTS" };
	char *kept[sizeof ours / sizeof *ours];
	FILE *out;

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		const char *value = getenv(ours[i]);

		kept[i] = value ? strdup(value) : NULL;
		unsetenv(ours[i]);
	}
	out = popen(line, "r");
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		if (kept[i])
			setenv(ours[i], kept[i], 1);
		free(kept[i]);
	}
	if (!out)
		bench_fail("popen: %s", strerror(errno));
	return out;
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
	char line[3 * PATH_MAX];
	struct series s[COLUMNS];
	double unused, got[COLUMNS];
	unsigned n = 0;
	FILE *in;
	bool ended;

	command(line, sizeof line, on_nodes, blocks, reps);
	for (int i = 0; i < COLUMNS; i++)
		series_open(&s[i], reps, 1);
	in = begin(line);
	while (n < reps && fscanf(in, "%lf %lf %lf %lf", got, got + 1, got + 2, got + 3) == COLUMNS)
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
	one_column(out, 0, 1, "many");
}

void malloc_elsewhere(struct result *out)
{
	one_column(out, 2, 3, "used");
}
