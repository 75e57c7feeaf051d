/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process does as a node of a job. */
#ifndef NODE_H
#define NODE_H

#include "tools/bench/options.h"

/* Joins the job, runs the tests with all its nodes, and leaves it. Rank 0 writes results to
 * the descriptor of the options, or reports them itself where there is none. Returns the
 * exit status; a failing test ends the process. */
int node_main(const struct options *options);

#endif
