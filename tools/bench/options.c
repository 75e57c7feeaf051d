/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the command line of dsm-bench. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/job/job.h"
#include "tools/bench/options.h"
#include "tools/bench/tests.h"

#define REPS_DEFAULT 5
#define REPS_MAX 1000

enum { OPT_RESULTS = 256, OPT_LIST, OPT_NO_FLOORS, OPT_SHORT, OPT_VERSION };

static const struct option longs[] = {
	{ "nodes", required_argument, NULL, 'n' },
	{ "provider", required_argument, NULL, 'p' },
	{ "faults", required_argument, NULL, 'f' },
	{ "zone", required_argument, NULL, 'z' },
	{ "reps", required_argument, NULL, 'r' },
	{ "json", required_argument, NULL, 'j' },
	{ "no-floors", no_argument, NULL, OPT_NO_FLOORS },
	{ "short", no_argument, NULL, OPT_SHORT },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "results", required_argument, NULL, OPT_RESULTS }, /* from ourselves to a node */
	{ 0 },
};

static const char help[] =
	"usage: dsm-bench [option ...] [TEST ...]\n"
	"       dsm-bench apps [option ...] [KERNEL ...]\n"
	"Measures distributed shared memory, and the floors that hardware and kernel set.\n"
	"apps: whole programs, over nodes and over threads, and the least they could take.\n"
	"  -n, --nodes N       one job of N nodes for all tests, instead of what each wants\n"
	"                      (apps: 2)\n"
	"  -p, --provider P    libfabric provider, e.g. tcp (DSM_PROVIDER)\n"
	"  -f, --faults MODE   how faults are delivered: event or signal (DSM_FAULTS)\n"
	"  -z, --zone ZONE     size of pages: pte or pmd (4 KiB, the default, or 2 MiB)\n"
	"  -r, --reps R        repetitions, 1 to 1000; default 5\n"
	"  -j, --json FILE     writes the results there as well\n"
	"      --no-floors     measures no floors but those named: for profiles\n"
	"      --short         few operations: tells whether it works, not how fast\n"
	"      --list          shows the tests, or kernels\n"
	"  -h, --help          shows this\n"
	"      --version       shows the version\n"
	"Under a launcher (DSM_JOB is set) it runs as a node of that job.\n";

static int wrong(const char *option, const char *want, const char *got)
{
	fprintf(stderr, "dsm-bench: %s takes %s, not '%s'; see dsm-bench --help\n", option, want,
	        got);
	return BENCH_USAGE;
}

/* A decimal number from 1 to max, or 0. */
static int number(const char *text, int max)
{
	size_t digits = strspn(text, "0123456789");
	long value;

	if (digits == 0 || digits > 6 || text[digits])
		return 0;
	value = strtol(text, NULL, 10);
	return value <= max ? (int)value : 0;
}

static int take(int c, struct options *o)
{
	int n;

	switch (c) {
	case 'n':
		o->nodes = number(optarg, BOOT_LOCAL_MAX);
		return o->nodes >= 2 ? 0 : wrong("--nodes", "a number from 2 to 64", optarg);
	case 'p': o->provider = optarg; return *optarg ? 0 : wrong("--provider", "a name", optarg);
	case 'f':
		o->faults = optarg;
		if (!strcmp(optarg, "event") || !strcmp(optarg, "signal"))
			return 0;
		return wrong("--faults", "event or signal", optarg);
	case 'z':
		o->pmd = !strcmp(optarg, "pmd");
		return o->pmd || !strcmp(optarg, "pte") ? 0 : wrong("--zone", "pte or pmd", optarg);
	case 'r':
		n = number(optarg, REPS_MAX);
		o->reps = (unsigned)n;
		return n ? 0 : wrong("--reps", "a number from 1 to 1000", optarg);
	case 'j': o->json = optarg; return *optarg ? 0 : wrong("--json", "a file name", optarg);
	case OPT_RESULTS:
		o->results_fd = number(optarg, 1 << 16);
		return o->results_fd ? 0 : wrong("--results", "a descriptor", optarg);
	case OPT_NO_FLOORS: o->no_floors = true; return 0;
	case OPT_SHORT: o->brief = true; return 0;
	case OPT_LIST: o->list = true; return 0;
	default:
		fprintf(stderr, "see dsm-bench --help\n"); /* getopt has said what is wrong */
		return BENCH_USAGE;
	}
}

/* What is not given: from the environment, or the default. */
static void complete(struct options *o)
{
	const char *faults = getenv("DSM_FAULTS");

	/* auto depends on permissions; the floors have to know which it is. */
	if (!o->faults)
		o->faults = faults && !strcmp(faults, "signal") ? "signal" : "event";
	if (!o->reps)
		o->reps = o->brief ? 1 : REPS_DEFAULT;
}

int options_read(int argc, char **argv, struct options *out)
{
	struct options o = { .results_fd = -1 };
	int c, rc;

	while ((c = getopt_long(argc, argv, "n:p:f:z:r:j:h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return -1;
		}
		if (c == OPT_VERSION) {
			puts("dsm-bench " PACKAGE_VERSION);
			return -1;
		}
		rc = take(c, &o);
		if (rc)
			return rc;
	}
	complete(&o);
	o.tests = argv + optind;
	o.apps = *o.tests && !strcmp(*o.tests, "apps");
	o.tests += o.apps;
	for (char **name = o.tests; *name; name++)
		if (!test_find(*name, o.apps)) {
			fprintf(stderr,
			        "dsm-bench: there is no %s '%s'; dsm-bench%s --list shows them\n",
			        o.apps ? "kernel" : "test", *name, o.apps ? " apps" : "");
			return BENCH_USAGE;
		}
	*out = o;
	return 0;
}
