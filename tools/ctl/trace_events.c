/* SPDX-License-Identifier: BSD-2-Clause */
/* From records to events: what threads wait for, what comes and goes, what is counted. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ctl/query.h"
#include "tools/ctl/trace.h"

#define MESSAGE_NS 1000 /* as long as a message is drawn where there is room */

struct event *events_add(struct events *events, struct event e)
{
	if (events->count == events->room) {
		const size_t room = events->room ? 2 * events->room : 4096;
		struct event *list = realloc(events->list, room * sizeof *list);

		if (!list) {
			events->failed = 1;
			return NULL;
		}
		events->list = list;
		events->room = room;
	}
	events->list[events->count] = e;
	return &events->list[events->count++];
}

static const char *text_at(const struct trace_node *node, const char *list, unsigned i)
{
	const char *text = json_string_value(json_array_get(json_object_get(node->about, list), i));

	return text ? text : "?";
}

const char *node_message(const struct trace_node *node, unsigned type)
{
	return text_at(node, "messages", type);
}

/* ----------------------------------------------------------------------- threads -- */

/* Faults that are not served yet, one a thread. */
struct pending {
	const struct record **fault;
	size_t count, room;
};

static const struct record **pending_of(struct pending *p, uint32_t thread)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->fault[i]->thread == thread)
			return &p->fault[i];
	return NULL;
}

static void pending_add(struct pending *p, const struct record *r, struct events *out)
{
	if (p->count == p->room) {
		const size_t room = p->room ? 2 * p->room : 64;
		const struct record **list = realloc(p->fault, room * sizeof *list);

		if (!list) {
			out->failed = 1;
			return;
		}
		p->fault = list;
		p->room = room;
	}
	p->fault[p->count++] = r;
}

static void fault_slice(struct events *out, struct event e, const struct record *fault,
                        int64_t end_ns)
{
	e.phase = PH_SLICE;
	e.at_ns = fault->at_ns;
	e.ns = end_ns - fault->at_ns;
	e.tid = fault->thread;
	e.name = fault->type ? "write fault" : "read fault";
	e.category = "fault";
	e.record = fault;
	e.offset = fault->more;
	events_add(out, e);
}

static void on_fault(struct events *out, struct event e, struct pending *p)
{
	const struct record **before = pending_of(p, e.record->thread);

	if (!before) {
		pending_add(p, e.record, out);
		return;
	}
	fault_slice(out, e, *before, (*before)->at_ns); /* it was refused */
	*before = e.record;
}

/* A page has come that a thread wanted: by a fault, by one from before the trace, or for a pin. */
static void on_served(struct events *out, struct event e, struct pending *p,
                      const struct trace_node *node)
{
	const struct record **fault = pending_of(p, e.record->thread);

	if (fault && (*fault)->page == e.record->page) {
		fault_slice(out, e, *fault, e.record->at_ns);
		*fault = p->fault[--p->count];
		return;
	}
	e.tid = e.record->thread;
	e.name = "page came";
	e.category = "served";
	e.is_open = e.record->since_ns < node->began_ns;
	events_add(out, e);
}

static void on_waited(struct events *out, struct event e, const struct trace_node *node)
{
	e.is_open = e.record->since_ns < node->began_ns;
	e.phase = PH_SLICE;
	e.at_ns = e.is_open ? node->began_ns : e.record->since_ns;
	e.ns = e.record->at_ns - e.at_ns;
	e.tid = e.record->thread;
	e.name = text_at(node, "calls", e.record->type);
	e.category = "call";
	events_add(out, e);
}

/* What is still waited for when the trace ends. */
static void add_open(struct events *out, struct event e, const struct trace_node *node,
                     struct pending *p)
{
	const json_t *list = json_object_get(node->about, "open"), *o;
	size_t i;

	e.is_open = 1;
	for (size_t k = 0; k < p->count; k++)
		fault_slice(out, e, p->fault[k], node->ended_ns);
	json_array_foreach(list, i, o)
	{
		int64_t since = member_int(o, "since_ns", 0) - node->clock_ns;

		if (!json_object_get(o, "call"))
			continue;
		e.phase = PH_SLICE;
		e.at_ns = since < node->began_ns ? node->began_ns : since;
		e.ns = node->ended_ns - e.at_ns;
		e.tid = (uint32_t)member_int(o, "thread", 0);
		e.name = member_text(o, "call", "?");
		e.category = "call";
		if (e.ns >= 0)
			events_add(out, e);
	}
}

/* ---------------------------------------------------------------------- messages -- */

static int is_message(const struct record *r)
{
	return r->kind >= REC_SENT && r->kind <= REC_LANDED;
}

/* The nodes have them one after the other; each is drawn up to the next at most. */
static void on_message(struct events *out, struct event e, const struct trace_node *node)
{
	static const char *const category[] = { [REC_SENT] = "sent",
		                                [REC_RECEIVED] = "received",
		                                [REC_WRITE] = "page write",
		                                [REC_LANDED] = "landing" };
	const struct record *r = e.record, *next = r + 1, *end = node->list + node->count;

	while (next < end && !is_message(next))
		next++;
	e.phase = PH_SLICE;
	e.ns = next < end && next->at_ns - r->at_ns < MESSAGE_NS ? next->at_ns - r->at_ns
	                                                         : MESSAGE_NS;
	e.tid = TID_MESSAGES;
	e.category = category[r->kind];
	if (r->kind == REC_SENT || r->kind == REC_RECEIVED)
		e.name = node_message(node, r->type);
	else
		e.name = r->kind == REC_WRITE ? "page out" : "page in";
	events_add(out, e);
}

/* What has landed stands in what is counted for it. */
static void name_landing(struct record *r, const struct record *end)
{
	if (r->kind == REC_LANDED && r + 1 < end && r[1].kind == REC_COUNT)
		r->page = r[1].page;
}

static void on_record(struct events *out, struct event e, struct pending *p,
                      const struct trace_node *node)
{
	switch (e.record->kind) {
	case REC_FAULT: on_fault(out, e, p); break;
	case REC_SERVED: on_served(out, e, p, node); break;
	case REC_WAITED: on_waited(out, e, node); break;
	case REC_CALL:
		e.tid = e.record->thread;
		e.name = text_at(node, "calls", e.record->type);
		e.category = "call";
		events_add(out, e);
		break;
	case REC_COUNT:
		e.tid = TID_COUNTS;
		e.name = text_at(node, "counts", e.record->type);
		e.category = "count";
		events_add(out, e);
		break;
	default:
		if (is_message(e.record))
			on_message(out, e, node);
	}
}

void trace_events(const struct trace_job *job, struct events *out)
{
	for (int n = 0; n < job->count; n++) {
		const struct trace_node *node = &job->node[n];
		struct pending pending = { 0 };

		for (size_t i = 0; i < node->count; i++) {
			name_landing(&node->list[i], node->list + node->count);
			on_record(out,
			          (struct event){ .node = (uint16_t)n,
			                          .phase = PH_INSTANT,
			                          .at_ns = node->list[i].at_ns,
			                          .record = &node->list[i] },
			          &pending, node);
		}
		if (node->about)
			add_open(out, (struct event){ .node = (uint16_t)n }, node, &pending);
		free(pending.fault);
	}
}
