/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace while it grows (oracle.h has what it is). Whoever calls holds what guards it. */
#ifndef TRACE_H
#define TRACE_H

#include "tools/bench/apps/oracle.h"

struct trace_log;

/* NULL without memory. */
struct trace_log *trace_open(unsigned members, uint32_t pages);
void trace_close(struct trace_log *log);
/* Appends an interval of this member, which has seen so many of each; all is copied. False without
 * memory. */
bool trace_add(struct trace_log *log, unsigned member, const uint32_t *seen,
               const struct trace_access *access, size_t n);
/* All of it, until the next call. */
const struct trace *trace_all(struct trace_log *log);

#endif
