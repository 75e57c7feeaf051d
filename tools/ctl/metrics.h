/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl metrics: what jobs have counted, as OpenMetrics text. */
#ifndef METRICS_H
#define METRICS_H

#include <stddef.h>

#include "tools/ctl/query.h"

/* What the nodes of a job have answered, if they have. */
struct metrics_job {
	const char *name;
	struct answers status, stats, latency;
};

/* All of it, as text in malloc'ed memory, or NULL. */
char *metrics_text(const struct metrics_job *jobs, size_t count, size_t *bytes);

/* Makes the text of now. */
typedef char *(*metrics_make_fn)(const char *job, size_t *bytes);
/* Serves it over HTTP at HOST:PORT until a signal ends the process. Returns the exit status. */
int metrics_listen(const char *where, const char *job, metrics_make_fn make);

#endif
