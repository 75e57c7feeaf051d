/* SPDX-License-Identifier: BSD-2-Clause */
/* The three kinds of teams, and what comes out of a run of each. */
#ifndef TEAMS_H
#define TEAMS_H

#include <stdbool.h>

#include "tools/bench/apps/oracle.h"
#include "tools/bench/apps/order.h"
#include "tools/bench/apps/team.h"

/* A member before it runs; the rest is who makes the team's. */
struct team team_member(const struct kernel *kernel, unsigned rank, unsigned size);

/* ------------------------------------------------------------------- threads.c -- */

/* Calls body for each member in a thread of its own, and returns when all have returned. */
void threads_run(struct team *team, unsigned size, void (*body)(struct team *t));

/* The kernel with threads of this process in plain memory. Returns milliseconds, of the kernel
 * alone. *result, unless it is there already, becomes a copy of the kernel's result, to be freed;
 * one that is there has to be the same. */
double threads_measure(const struct kernel *kernel, unsigned size, void **result);

/* -------------------------------------------------------------------- record.c -- */

/* The same with threads that are watched, which take locks in this order, or in turns where there is
 * none; and the oracle's word on what they did. */
struct least record_least(const struct kernel *kernel, unsigned size, const struct order *order);

/* --------------------------------------------------------------------- nodes.c -- */

struct nodes_run {
	double ms;
	double faults;      /* of a node */
	double moved;       /* pages, by all nodes together */
	struct order order; /* rank 0: in which they took the locks */
};

/* Collective. The kernel over the nodes of the job. result: rank 0's, what has to come out. */
struct nodes_run nodes_measure(const struct kernel *kernel, const void *result);

#endif
