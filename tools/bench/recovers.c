/* SPDX-License-Identifier: BSD-2-Clause */
/* What a death costs those who live: node 0 has dsm-bench-recover run as a job of its own, one of whose four nodes dies,
 * while the other nodes wait. */
#include <sys/wait.h>

#include "tools/bench/bench.h"
#include "tools/bench/programs.h"
#include "tools/bench/shared.h"

#define PROGRAM "dsm-bench-recover"
#define NODES 4
#define SOME_LOST 123 /* dsmctl run --survive, of a job of which some were lost */

enum { DIED, IN_VIEW, USED, SECURED, TIMES };

/* One job, which is one repetition; of each time, the last of those who live. Whether all of it has come. */
static bool run_one(double ms[TIMES])
{
	const unsigned mib = bench_count(1024, 16), kept = bench_count(16, 1);
	char line[4 * PROGRAM_MAX], options[64], arguments[64], what;
	unsigned lines = 0;
	double at;
	FILE *in;
	int status;

	snprintf(options, sizeof options, "--survive -n %d -t %u -r %uM", NODES, RECOVERS_SECONDS / 4,
	         mib + 16);
	snprintf(arguments, sizeof arguments, "%u %u", mib, kept);
	program_job(line, sizeof line, options, PROGRAM, arguments);
	in = program_begin(line);
	for (int t = 0; t < TIMES; t++)
		ms[t] = 0;
	for (; fscanf(in, " %c %lf", &what, &at) == 2 && what >= 'a' && what < 'a' + TIMES; lines++)
		if (at > ms[what - 'a'])
			ms[what - 'a'] = at;
	status = pclose(in);
	return WIFEXITED(status) && WEXITSTATUS(status) == SOME_LOST &&
	       lines == 1 + (NODES - 1) * (TIMES - 1);
}

static bool measure(struct series of[TIMES])
{
	double ms[TIMES];

	for (unsigned i = 0; i < bench.options->reps; i++) {
		if (!run_one(ms))
			return false;
		for (int t = IN_VIEW; t < TIMES; t++)
			series_rep_one(&of[t], ms[t] - ms[DIED]);
	}
	return true;
}

void recovery(struct result *out)
{
	struct series of[TIMES];
	bool is_there = true;

	for (int t = IN_VIEW; t < TIMES; t++)
		series_open(&of[t], bench.options->reps, 1);
	if (bench.rank == 0)
		is_there = measure(of);
	bench_barrier();
	result_take(out, &of[USED], SERIES_LESS_IS_BETTER, "ms");
	result_beside(out, "view", &of[IN_VIEW], SERIES_LESS_IS_BETTER, "ms");
	result_beside(out, "secured", &of[SECURED], SERIES_LESS_IS_BETTER, "ms");
	if (!is_there)
		out->missing = "the job one of whose nodes dies has failed";
}
