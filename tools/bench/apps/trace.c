/* SPDX-License-Identifier: BSD-2-Clause */
/* Intervals one after the other, each with a block of its own for what it has seen and done. */
#include "tools/bench/apps/trace.h"

#include <stdlib.h>
#include <string.h>

struct trace_log {
	struct trace trace;
	struct trace_interval *interval;
	size_t max;
};

struct trace_log *trace_open(unsigned members, uint32_t pages)
{
	struct trace_log *log = calloc(1, sizeof *log);

	if (log)
		log->trace = (struct trace){ .members = members, .pages = pages };
	return log;
}

void trace_close(struct trace_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->trace.n_intervals; i++)
		free((void *)log->interval[i].access);
	free(log->interval);
	free(log);
}

static bool grow(struct trace_log *log)
{
	const size_t max = log->max ? 2 * log->max : 256;
	struct trace_interval *more = realloc(log->interval, max * sizeof *more);

	if (!more)
		return false;
	log->interval = more;
	log->max = max;
	return true;
}

bool trace_add(struct trace_log *log, unsigned member, const uint32_t *seen,
               const struct trace_access *access, size_t n)
{
	const size_t row = log->trace.members * sizeof *seen;
	struct trace_access *block = malloc(n * sizeof *access + row);

	if (!block || (log->trace.n_intervals == log->max && !grow(log))) {
		free(block);
		return false;
	}
	if (n)
		memcpy(block, access, n * sizeof *access);
	memcpy(block + n, seen, row);
	log->interval[log->trace.n_intervals++] = (struct trace_interval){
		.member = member, .seen = (uint32_t *)(block + n), .access = block, .n_accesses = n
	};
	return true;
}

const struct trace *trace_all(struct trace_log *log)
{
	log->trace.interval = log->interval;
	return &log->trace;
}
