/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a page-based protocol could do for a program, from a trace of it: which member
 * read and wrote which pages between which synchronisations. docs/performance.md has the rules. A
 * pure function: no I/O, no clock, nothing kept.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_MEMBERS_MAX 64

/* In one interval each page comes once. */
struct trace_access {
	uint32_t page;
	bool writes; /* it may read as well */
};

/* What a member did from one synchronisation of its to the next. */
struct trace_interval {
	unsigned member;
	/* Of each member, how many of its intervals came before this one, by program order and
	 * synchronisation. What is not before nor after is at the same time. */
	const uint32_t *seen;
	const struct trace_access *access;
	size_t n_accesses;
};

/* Intervals come after all that they have seen. */
struct trace {
	unsigned members;
	uint32_t pages;
	const struct trace_interval *interval;
	size_t n_intervals;
};

struct least {
	uint64_t faults; /* of all members together, when each is for one page */
	uint64_t moved;  /* pages with data from one member to another */
};

/* 0, or -1 without memory. */
int oracle_least(const struct trace *trace, struct least *out);

#endif
