/* SPDX-License-Identifier: BSD-2-Clause */
/* What dsm-bench was told on its command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#define BENCH_FAILED 1 /* exit statuses */
#define BENCH_USAGE 2

struct options {
	int nodes;            /* of the one job; 0: what each test wants */
	const char *provider; /* NULL: the library's choice */
	const char *faults;   /* event or signal */
	const char *json;     /* file for the results, or NULL */
	unsigned reps;
	bool pmd;       /* 2 MiB pages */
	bool brief;     /* few operations: for correctness, not for timing */
	bool no_floors; /* but those that are named */
	bool list;
	bool apps;      /* kernels instead of tests */
	int results_fd; /* of a node that we have started: where results go; else -1 */
	char **tests;   /* names, NULL at the end; none: all */
};

/* 0, -1 when all is done (help), or an exit status after telling what is wrong. Words of
 * argv are kept. */
int options_read(int argc, char **argv, struct options *out);

#endif
