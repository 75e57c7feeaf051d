/* SPDX-License-Identifier: BSD-2-Clause */
/* A node: runs the tests one after the other, each after the floors that it needs. */
#include "tools/bench/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/apps/apps.h"
#include "tools/bench/bare.h"
#include "tools/bench/bench.h"
#include "tools/bench/report.h"
#include "tools/bench/result.h"

static struct {
	bool told;
	double value; /* rank 0 */
} floors[FLOORS];

static struct report *report; /* rank 0, when nobody else reports */

double floor_value(enum floor floor)
{
	return floors[floor].value;
}

/* Whoever started us reads it; a pipe without a reader ends us. */
static void send_line(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
	const char *at = text;
	size_t left = text ? strlen(text) : 0;
	ssize_t n;

	if (!text)
		bench_fail("out of memory");
	text[left++] = '\n'; /* in place of its end */
	while (left) {
		n = write(bench.options->results_fd, at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			bench_fail("telling results: %s", strerror(errno));
		at += n;
		left -= (size_t)n;
	}
	free(text);
}

static void tell(const struct test *test, const struct result *r)
{
	json_t *line;

	if (bench.rank != 0)
		return;
	line = result_json(test, r);
	if (!line)
		bench_fail("out of memory");
	if (report)
		report_take(report, line);
	else
		send_line(line);
	json_decref(line);
}

static void run(const struct test *test)
{
	struct result r = { 0 };

	bench_begin(test->name, test->seconds * (bench.options->reps / 5 + 1));
	bench_barrier();
	if (test->kernel)
		app_run(test->kernel, &r);
	else
		test->run(&r);
	if (test->is_floor) {
		floors[test->floor].value = r.value;
		if (floors[test->floor].told)
			return;
		floors[test->floor].told = true;
	}
	tell(test, &r);
}

/* The other tests are about pages of 4 KiB. */
static bool is_elsewhere(const struct test *test)
{
	return bench.options->pmd && !test->pmd;
}

static void run_with_floors(const struct test *test)
{
	if (is_elsewhere(test)) {
		tell(test, &(struct result){ .unit = "", .missing = "only on pages of 4 KiB (zone pte)" });
		return;
	}
	/* Anew for each test, though they are told once: the speed of a machine changes from
	 * minute to minute with what others do on its host. */
	for (unsigned floor = 0; floor < FLOORS && !bench.options->no_floors; floor++)
		if (test->floors & NEED(floor))
			run(test_of_floor(floor));
	if (!test->is_floor || !floors[test->floor].told)
		run(test);
}

static void run_named(char **names)
{
	for (; *names; names++) {
		const struct test *test = test_find(*names, bench.options->apps);

		if (!test_fits(test, bench.size))
			bench_fail("%s wants %s%d nodes, this job has %d", test->name,
			           test->exactly ? "" : "at least ", test->nodes, bench.size);
		run_with_floors(test);
	}
}

static void run_all(void)
{
	for (unsigned i = 0; i < n_tests; i++)
		if (!tests[i].is_floor && bench.options->apps == !!tests[i].kernel &&
		    test_fits(&tests[i], bench.size))
			run_with_floors(&tests[i]);
}

int node_main(const struct options *options)
{
	int status = 0;

	bench_join(options);
	if (bench.rank == 0 && options->results_fd < 0) {
		report = report_open(options);
		if (!report)
			return BENCH_FAILED;
	}
	if (*options->tests)
		run_named(options->tests);
	else
		run_all();
	bench_begin("end", 60);
	bare_finish();
	if (report)
		status = report_close(report);
	bench_leave();
	return status;
}
