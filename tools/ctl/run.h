/* SPDX-License-Identifier: BSD-2-Clause */
/* A running job, as dsmctl run sees it: run.c reads the arguments, crew.c does the rest. */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>

struct run_options {
	int nodes;
	const char *provider, *region, *faults, *log; /* NULL: not given */
	const char *restore, *restore_pages;
	double limit_s;                               /* 0: none */
	bool threads;      /* a program with threads, of which nodes take some */
	const char *place; /* NULL: not given */
	bool survive;      /* the others go on when a node is lost */
	bool prefix;
	char **argv; /* the command */
};

/* Starts the job and sees it through. Returns the exit status. */
int crew_run(const struct run_options *options);

#endif
