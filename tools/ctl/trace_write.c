/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events in the Trace Event Format: an object with "traceEvents" in the order of time, which
 * Perfetto (ui.perfetto.dev) and chrome://tracing open. A node is a process there, its threads are
 * its threads, and two more tracks have messages and what the protocol counts.
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/query.h"
#include "tools/ctl/trace.h"

#define DIGITS 15 /* of times in microseconds, to the nanosecond */

struct writer {
	FILE *file;
	const struct trace_job *job;
	int64_t zero_ns; /* when the first node began */
	int some;
};

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->phase != y->phase)
		return x->phase < y->phase ? -1 : 1; /* an arrow comes behind what it belongs to */
	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1; /* a slice in another comes behind it */
	return (x->flow > y->flow) - (x->flow < y->flow);
}

static void put(struct writer *w, json_t *o)
{
	fputs(w->some++ ? ",\n" : "\n", w->file);
	json_dumpf(o, w->file, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(DIGITS));
	json_decref(o);
}

/* -------------------------------------------------------------------------- names -- */

/* The name whose block has this address. NULL: none has. */
static const json_t *block_at(const struct trace_job *job, int64_t address)
{
	for (int n = 0; n < job->count; n++) {
		const json_t *list = json_object_get(job->node[n].about, "names"), *name;
		size_t i;

		json_array_foreach(list, i, name)
		{
			const int64_t at = member_int(name, "address", 0);
			if (address >= at && address < at + member_int(name, "bytes", 0))
				return name;
		}
	}
	return NULL;
}

static void add_page(json_t *args, const struct writer *w, const struct event *e, int64_t page)
{
	const json_t *zones = json_object_get(w->job->node[e->node].about, "zones"), *zone, *name;
	size_t i;

	json_object_set_new(args, "page", json_integer(page));
	json_array_foreach(zones, i, zone)
	{
		const int64_t at = page - member_int(zone, "first", 0);
		int64_t address = member_int(zone, "address", 0);

		if (at < 0 || at >= member_int(zone, "count", 0))
			continue;
		address += at * member_int(zone, "page_bytes", 0) + e->offset;
		json_object_set_new(args, "address", json_sprintf("%#llx", (long long)address));
		name = block_at(w->job, address);
		if (!name)
			return;
		json_object_set_new(args, "block", json_string(member_text(name, "name", "?")));
		json_object_set_new(args, "byte",
		                    json_integer(address - member_int(name, "address", 0)));
	}
}

/* ------------------------------------------------------------------------- events -- */

static void add_message(json_t *args, const struct writer *w, const struct event *e)
{
	const struct record *r = e->record;
	const int out = r->kind == REC_SENT || r->kind == REC_WRITE;

	if (r->peer != UINT16_MAX)
		json_object_set_new(args, out ? "to" : "from", json_integer(r->peer));
	if (r->page >= 0)
		add_page(args, w, e, r->page);
	if (r->page >= 0 || r->kind >= REC_WRITE)
		json_object_set_new(args, "pages", json_integer(r->n));
	if (r->kind == REC_SENT || r->kind == REC_RECEIVED)
		json_object_set_new(args, "number", json_integer(r->more));
	else
		json_object_set_new(args, "for", json_string(r->type ? "home" : "request"));
}

static json_t *args_of(const struct writer *w, const struct event *e)
{
	const struct record *r = e->record;
	json_t *args = json_object();

	if (e->is_open)
		json_object_set_new(args, "cut", json_true());
	if (!r)
		return args;
	switch (r->kind) {
	case REC_FAULT:
	case REC_SERVED: add_page(args, w, e, r->page); break;
	case REC_WAITED:
	case REC_CALL:
		if (r->page)
			json_object_set_new(args, "about", json_integer(r->page));
		break;
	case REC_COUNT:
		json_object_set_new(args, "count", json_integer(r->n));
		if (r->page >= 0)
			add_page(args, w, e, r->page);
		break;
	default: add_message(args, w, e);
	}
	return args;
}

static void put_event(struct writer *w, const struct event *e)
{
	static const char *const phase[] = { [PH_SLICE] = "X",
		                             [PH_INSTANT] = "i",
		                             [PH_FLOW_START] = "s",
		                             [PH_FLOW_STEP] = "t",
		                             [PH_FLOW_END] = "f" };
	json_t *o = json_pack("{s:s, s:s, s:s, s:f, s:i, s:I}", "name", e->name, "cat", e->category,
	                      "ph", phase[e->phase], "ts", (double)(e->at_ns - w->zero_ns) / 1000,
	                      "pid", w->job->node[e->node].rank + 1, "tid", (json_int_t)e->tid);

	if (e->phase == PH_SLICE)
		json_object_set_new(o, "dur", json_real((double)e->ns / 1000));
	if (e->phase == PH_INSTANT)
		json_object_set_new(o, "s", json_string("t"));
	if (e->phase >= PH_FLOW_START)
		json_object_set_new(o, "id", json_integer(e->flow));
	else
		json_object_set_new(o, "args", args_of(w, e));
	if (e->phase == PH_FLOW_END)
		json_object_set_new(o, "bp", json_string("e"));
	put(w, o);
}

/* -------------------------------------------------------------------------- nodes -- */

static void put_label(struct writer *w, int rank, int64_t tid, const char *what, json_t *args)
{
	json_t *o = json_pack("{s:s, s:s, s:i, s:o}", "name", what, "ph", "M", "pid", rank + 1,
	                      "args", args);

	if (tid >= 0)
		json_object_set_new(o, "tid", json_integer(tid));
	put(w, o);
}

static void put_labels(struct writer *w)
{
	for (int n = 0; n < w->job->count; n++) {
		const struct trace_node *node = &w->job->node[n];

		put_label(w, node->rank, -1, "process_name",
		          json_pack("{s:o}", "name",
		                    json_sprintf("node %d (process %d)", node->rank,
		                                 (int)member_int(node->about, "pid", 0))));
		put_label(w, node->rank, -1, "process_sort_index",
		          json_pack("{s:i}", "sort_index", node->rank));
		put_label(w, node->rank, TID_MESSAGES, "thread_name",
		          json_pack("{s:s}", "name", "messages and pages"));
		put_label(w, node->rank, TID_COUNTS, "thread_name",
		          json_pack("{s:s}", "name", "counted"));
	}
}

/* What a node has counted while it was traced. */
static json_t *statistics(const struct trace_node *node)
{
	const json_t *before = json_object_get(node->began, "stats");
	json_t *after = json_object_get(node->about, "stats"), *out = json_object(), *value;
	const char *key;

	json_object_foreach(after, key, value) json_object_set_new(
		out, key, json_integer(json_integer_value(value) - member_int(before, key, 0)));
	return out;
}

static json_t *nodes_json(const struct trace_job *job)
{
	json_t *list = json_array();

	for (int n = 0; n < job->count; n++) {
		const struct trace_node *node = &job->node[n];

		if (!node->about)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:O}", "rank",
		                  node->rank, "began_ns", (json_int_t)node->began_ns, "ended_ns",
		                  (json_int_t)node->ended_ns, "records", (json_int_t)node->count,
		                  "overwritten", member_int(node->about, "overwritten", 0),
		                  "clock_ns", (json_int_t)node->clock_ns, "clock_error_ns",
		                  (json_int_t)node->error_ns, "statistics", statistics(node),
		                  "names", json_object_get(node->about, "names")));
	}
	return list;
}

static void put_all(struct writer *w, const char *name, const struct events *events)
{
	json_t *other = json_pack("{s:s, s:s, s:o}", "job", name, "version", PACKAGE_VERSION,
	                          "nodes", nodes_json(w->job));

	fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":", w->file);
	json_dumpf(other, w->file, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(other);
	fputs(",\"traceEvents\":[", w->file);
	put_labels(w);
	for (size_t i = 0; i < events->count; i++)
		put_event(w, &events->list[i]);
	fputs("\n]}\n", w->file);
}

int trace_write(const char *path, const char *name, const struct trace_job *job,
                struct events *events)
{
	struct writer w = { .file = fopen(path, "we"), .job = job, .zero_ns = INT64_MAX };
	int failed;

	if (!w.file)
		return errno;
	for (int n = 0; n < job->count; n++)
		if (job->node[n].about && job->node[n].began_ns < w.zero_ns)
			w.zero_ns = job->node[n].began_ns;
	if (events->count)
		qsort(events->list, events->count, sizeof *events->list, by_time);
	put_all(&w, name, events);
	failed = ferror(w.file);
	if (fclose(w.file) || failed)
		return errno ? errno : EIO;
	return 0;
}
