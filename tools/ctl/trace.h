/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsmctl trace: what the nodes of a job have recorded (trace_fetch.c) becomes events on one time
 * line (trace_events.c) with arrows between them (trace_flows.c), in the Trace Event Format
 * (trace_write.c).
 */
#ifndef CTL_TRACE_H
#define CTL_TRACE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* As in what the nodes tell. */
enum record_kind {
	REC_FAULT = 1,
	REC_SERVED,
	REC_WAITED,
	REC_CALL,
	REC_SENT,
	REC_RECEIVED,
	REC_WRITE,
	REC_LANDED,
	REC_COUNT
};

struct record {
	int64_t at_ns, since_ns; /* by the clock of dsmctl */
	int64_t page;            /* -1: none; or what a call is about */
	uint32_t thread, more;
	uint16_t peer, n, slot;
	uint8_t kind, type, is_drawn; /* drawn: an arrow has it */
};

struct trace_node {
	int rank;
	int64_t clock_ns, error_ns; /* its clock is ahead of ours by so much, give or take that */
	int64_t began_ns, ended_ns; /* by our clock */
	json_t *began, *about; /* what it told when it began and ended; about NULL: it is lost */
	struct record *list;   /* oldest first */
	size_t count, room;
};

struct trace_job {
	struct trace_node *node;
	int count;
	json_int_t number; /* of this trace */
};

/* --- trace_fetch.c: 0, or CTL_FAILED when the reason has been told --- */
int trace_start(const char *dir, size_t records, double seconds, struct trace_job *out);
/* Ends it, and fetches what there is. Nodes that are gone have told nothing. */
int trace_fetch(const char *dir, struct trace_job *job);
void trace_free(struct trace_job *job);

/* --- events --- */

#define TID_MESSAGES 2000000001u /* tracks beside the threads', which have smaller numbers */
#define TID_COUNTS 2000000002u

enum phase { PH_SLICE, PH_INSTANT, PH_FLOW_START, PH_FLOW_STEP, PH_FLOW_END };

struct event {
	int64_t at_ns, ns; /* ns: of a slice */
	uint32_t tid, flow;
	uint16_t node;          /* index in the job */
	uint8_t phase, is_open; /* open: it had not ended, or not begun, in the time of the trace */
	const char *name, *category;
	const struct record *record; /* what it comes from; NULL: it was still waited for */
	uint32_t offset;             /* of a fault in its page */
};

struct events {
	struct event *list;
	size_t count, room, flows;
	int failed; /* no memory */
};

struct event *events_add(struct events *events, struct event e);
const char *node_message(const struct trace_node *node, unsigned type);

/* What has a time of its own: slices of threads, messages, counts. */
void trace_events(const struct trace_job *job, struct events *out);
/* The arrows between those. */
void trace_flows(struct trace_job *job, struct events *events);
/* Sorts them. 0, or an errno of the file. */
int trace_write(const char *path, const char *name, const struct trace_job *job,
                struct events *events);

#endif
