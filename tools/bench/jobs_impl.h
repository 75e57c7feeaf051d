/* SPDX-License-Identifier: BSD-2-Clause */
/* A job, for the files that see to it: jobs.c has all of its life, jobs_start.c starts the nodes,
 * jobs_results.c takes what rank 0 tells. */
#ifndef JOBS_IMPL_H
#define JOBS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "dsm/job/job.h"
#include "tools/bench/jobs.h"

#define NODES_MAX BOOT_LOCAL_MAX
#define LINE_MAX_BYTES 65536

struct job {
	const struct options *options;
	struct report *report;
	struct rendezvous *rendezvous;
	char dir[BOOT_DIR_MAX + 1];
	int nodes, running, status;
	pid_t pid[NODES_MAX]; /* as started; for what they leave behind */
	int pidfd[NODES_MAX]; /* -1: has ended */
	int results, signals; /* descriptors */
	size_t line_len;
	char line[LINE_MAX_BYTES]; /* the beginning of one */
	bool told;
};

/* Tells of the error. Returns the job's status from then on. */
int job_fail(struct job *j, const char *what, int error);
/* Starts the nodes. Returns the job's status; there may be nodes even if it is not 0. */
int job_start(struct job *j, char **tests);
/* Reads what there is. */
void job_take_results(struct job *j);

#endif
