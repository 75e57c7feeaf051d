/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs that dsm-bench starts itself. */
#ifndef JOBS_H
#define JOBS_H

#include "tools/bench/options.h"
#include "tools/bench/report.h"

/* Starts a job of nodes nodes that runs these tests, passes what it finds to the report,
 * and waits for its end. Returns an exit status. */
int job_run(const struct options *options, int nodes, char **tests, struct report *report);

#endif
