/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm-bench: as a starter it runs jobs of itself, as many as the tests want numbers of
 * nodes; as a node it runs the tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/jobs.h"
#include "tools/bench/node.h"
#include "tools/bench/tests.h"

static void list(bool apps)
{
	for (unsigned i = 0; i < n_tests; i++) {
		if (apps != !!tests[i].kernel)
			continue;
		printf("%-27s %s%s\n", tests[i].name, tests[i].about,
		       tests[i].nodes > 2 ? tests[i].nodes > 3 ? "" : " (3 nodes)" : "");
	}
}

static bool is_chosen(const struct options *o, const struct test *test)
{
	if (o->apps != !!test->kernel)
		return false;
	if (!*o->tests)
		return !test->is_floor; /* those that are needed come by themselves */
	for (char **name = o->tests; *name; name++)
		if (!strcmp(*name, test->name))
			return true;
	return false;
}

/* One job for those of the chosen tests that want so many nodes; or for all that can do
 * with so many, when the user says how many. */
static int run_job(const struct options *o, int nodes, struct report *report)
{
	char *names[64];
	int n = 0;

	for (unsigned i = 0; i < n_tests; i++) {
		const struct test *test = &tests[i];

		if (!is_chosen(o, test))
			continue;
		if (o->nodes && !test_fits(test, nodes)) {
			if (*o->tests)
				fprintf(stderr, "dsm-bench: %s does not run with %d nodes\n",
				        test->name, nodes);
		} else if (o->nodes || test->nodes == nodes) {
			names[n++] = (char *)test->name;
		}
	}
	names[n] = NULL;
	return n ? job_run(o, nodes, names, report) : 0;
}

static int run_jobs(const struct options *o)
{
	static const int sizes[] = { 2, 3, 4, 8 };
	struct report *report = report_open(o);
	int status = 0, closed;

	if (!report)
		return BENCH_FAILED;
	if (o->nodes)
		status = run_job(o, o->nodes, report);
	for (size_t i = 0; !o->nodes && !status && i < sizeof sizes / sizeof *sizes; i++)
		status = run_job(o, sizes[i], report);
	closed = report_close(report);
	return status ? status : closed;
}

int main(int argc, char **argv)
{
	struct options options;
	int rc = options_read(argc, argv, &options);

	if (rc)
		return rc < 0 ? 0 : rc;
	if (options.list) {
		list(options.apps);
		return 0;
	}
	if (getenv("DSM_JOB"))
		return node_main(&options);
	return run_jobs(&options);
}
