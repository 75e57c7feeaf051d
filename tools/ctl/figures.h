/* SPDX-License-Identifier: BSD-2-Clause */
/* What dsmctl knows of the counters that nodes answer "stats" with. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>

struct figure {
	const char *name;   /* as dsm_get_stats(3) has it */
	const char *metric; /* of what family it is, without "dsm_"; NULL: it is in another */
	const char *help;
	const char *head; /* of its column, if it is one of those that matter most */
	bool is_level;    /* how much there is now; else counted since the start */
	const char *unit; /* of the metric, its last word; NULL: it has none */
	bool is_ns;       /* nanoseconds, whose metric is in seconds */
};

/* Ends with a zeroed one. Those that have a head are in the order of columns. */
extern const struct figure figures[];

/* NULL: a newer node has counted something else. */
const struct figure *figure_of(const char *name);

#endif
