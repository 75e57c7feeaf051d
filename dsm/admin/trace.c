/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dsmctl trace asks, each with the number that it has chosen for its trace:
 *
 *	start NUMBER RECORDS MS   takes memory for so many, and records; at most so long
 *	stop NUMBER               ends it, and tells what the records mean, and what is still waited for
 *	read NUMBER INDEX         some of the records, from that one on, the oldest first
 *	end NUMBER                gives the memory back
 *
 * Statistics come with start and stop, of just the interval that the records are of.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

#define RECORDS_MIN 1024
#define RECORDS_MAX (UINT64_C(1) << 26)
#define MS_MAX (24 * 3600 * UINT64_C(1000))
#define CHUNK 4096    /* records in an answer */
#define ROW_BYTES 176 /* of ten numbers */

static json_t *error_json(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

static int is_mine(const struct dsm *d, uint64_t token)
{
	return d->trace.ring && d->trace.token == token;
}

/* ------------------------------------------------------------------------ start -- */

static json_t *start(struct dsm *d, uint64_t token, uint64_t records, uint64_t ms)
{
	struct trace_record *ring, *old = NULL;
	size_t old_records = 0;
	json_t *o;

	if (records < RECORDS_MIN || records > RECORDS_MAX || (records & (records - 1)) ||
	    ms > MS_MAX)
		return error_json("cannot trace so much, or so long");
	ring = trace_ring_new(records);
	if (!ring)
		return error_json("has no memory for a trace");
	pthread_mutex_lock(&d->lock);
	if (d->trace.on && clock_now_ns() < d->trace.until_ns) {
		o = error_json("is being traced already");
		old = ring;
		old_records = records;
	} else {
		old = d->trace.ring;
		old_records = d->trace.records;
		trace_begin(&d->trace, ring, records, token, clock_now_ns() + ms * 1000000);
		o = json_pack("{s:I, s:o}", "began_ns", (json_int_t)d->trace.began_ns, "stats",
		              stats_json(d));
	}
	pthread_mutex_unlock(&d->lock);
	trace_ring_free(old, old_records);
	return o;
}

/* ------------------------------------------------------------------------- stop -- */

static json_t *strings(const char *(*name)(unsigned), unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_string(name(i)));
	return list;
}

/* The statistics that the protocol counts, by enum coh_count. */
static const char *count_name(unsigned i)
{
	static const char *const name[COH_COUNTS] = { [COH_N_READ_MISS] = "read_misses",
		                                      [COH_N_WRITE_MISS] = "write_misses",
		                                      [COH_N_UPGRADE] = "upgrades",
		                                      [COH_N_FETCH] = "pages_fetched",
		                                      [COH_N_GRANT_EMPTY] = "grants_empty",
		                                      [COH_N_INV] = "invalidations",
		                                      [COH_N_DOWNGRADE] = "downgrades",
		                                      [COH_N_SUPPLY] = "pages_supplied",
		                                      [COH_N_REFRESH] = "refreshes",
		                                      [COH_N_WRITE_BACK] = "write_backs",
		                                      [COH_N_DEFERRED] = "deferred",
		                                      [COH_N_NO_HOLD] = "no_hold",
		                                      [COH_N_ATOMIC] = "atomics",
		                                      [COH_N_QUEUED] = "queued",
		                                      [COH_N_PREFETCH] = "prefetched",
		                                      [COH_N_EVICT] = "evictions",
		                                      [COH_N_COARSE] = "coarse",
		                                      [COH_N_LOCK] = "locks",
		                                      [COH_N_BARRIER] = "barriers",
		                                      [COH_N_MIGRATORY] = "migratory",
		                                      [COH_N_DISCARD] = "discarded",
		                                      [COH_N_SLEEP] = "futex_sleeps",
		                                      [COH_N_WOKEN] = "futex_wakes",
		                                      [COH_N_PUSH] = "pushed",
		                                      [COH_N_COPY] = "second_copies" };

	return name[i] ? name[i] : "?";
}

static json_t *call_names(const struct trace *t)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < t->names; i++)
		json_array_append_new(list, json_string(t->name[i]));
	return list;
}

static json_t *zones_json(const struct dsm *d)
{
	json_t *list = json_array();

	for (int i = 0; i < REGION_ZONES; i++) {
		const struct region_zone *z = &d->memory.region.zone[i];

		json_array_append_new(list,
		                      json_pack("{s:I, s:I, s:I, s:I}", "first",
		                                (json_int_t)z->first, "count", (json_int_t)z->count,
		                                "page_bytes", (json_int_t)z->page_bytes, "address",
		                                (json_int_t)(uintptr_t)z->window));
	}
	return list;
}

/* Who waits still, since when, and for what: a page, or in a call. */
static json_t *open_json(struct dsm *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->faults.n; i++) {
		const struct fault *f = &d->faults.list[i];

		json_array_append_new(list,
		                      json_pack("{s:I, s:I, s:I}", "thread", (json_int_t)f->thread,
		                                "since_ns", (json_int_t)f->since_ns, "page",
		                                (json_int_t)f->page));
	}
	for (const struct waiter *w = d->waits.all; w; w = w->next)
		if (w->what)
			json_array_append_new(list,
			                      json_pack("{s:I, s:I, s:s, s:I}", "thread",
			                                (json_int_t)w->thread, "since_ns",
			                                (json_int_t)w->since_ns, "call", w->what,
			                                "about", (json_int_t)w->about));
	return list;
}

static json_t *stop(struct dsm *d)
{
	const uint64_t now = clock_now_ns();
	struct trace *t = &d->trace;
	json_t *o;

	trace_end(t);
	o = json_pack("{s:i, s:i, s:i, s:I, s:I, s:I, s:I}", "rank", d->boot->rank, "size",
	              d->boot->size, "pid", (int)getpid(), "began_ns", (json_int_t)t->began_ns,
	              "ended_ns", (json_int_t)(now < t->until_ns ? now : t->until_ns), "written",
	              (json_int_t)t->written, "overwritten", (json_int_t)trace_overwritten(t));
	json_object_set_new(o, "messages", strings(coh_msg_name, COH_MSG_TYPES));
	json_object_set_new(o, "counts", strings(count_name, COH_COUNTS));
	json_object_set_new(o, "calls", call_names(t));
	json_object_set_new(o, "zones", zones_json(d));
	json_object_set_new(o, "open", open_json(d));
	json_object_set_new(o, "names", names_json(d));
	json_object_set_new(o, "stats", stats_json(d));
	return o;
}

/* ------------------------------------------------------------------------- read -- */

/* What a tag says stands where the other kinds have it, too. */
static void spell_tag(struct trace_record *r)
{
	const struct coh_tag tag = coh_tag_decode(r->more);

	if (r->kind != TRACE_WRITE && r->kind != TRACE_LANDED)
		return;
	r->type = tag.to_home;
	r->slot = tag.slot;
	r->n = tag.to_home ? 1 : tag.n;
	r->more = tag.to_home ? tag.home_index : tag.access;
}

static char *rows(struct trace_record *list, size_t n)
{
	char *text = malloc(n * ROW_BYTES + 64), *at = text;

	if (!text)
		return NULL;
	at += sprintf(at, "{\"records\":[");
	for (size_t i = 0; i < n; i++) {
		struct trace_record *r = &list[i];

		spell_tag(r);
		at += sprintf(at, "%s[%u,%" PRIu64 ",%" PRId64 ",%" PRIu64 ",%u,%u,%u,%u,%u,%u]",
		              i ? "," : "", r->kind, r->at_ns, (int64_t)r->page, r->since_ns,
		              r->thread, r->peer, r->n, r->slot, r->type, r->more);
	}
	sprintf(at, "]}");
	return text;
}

static char *read_some(struct dsm *d, uint64_t token, uint64_t index)
{
	struct trace_record *list = malloc(CHUNK * sizeof *list);
	const struct trace_record *r;
	char *text = NULL;
	size_t n = 0;

	if (!list)
		return NULL;
	pthread_mutex_lock(&d->lock);
	while (is_mine(d, token) && n < CHUNK && (r = trace_at(&d->trace, index + n)))
		list[n++] = *r;
	pthread_mutex_unlock(&d->lock);
	text = rows(list, n);
	free(list);
	return text;
}

/* ---------------------------------------------------------------------- requests -- */

static json_t *end(struct dsm *d)
{
	struct trace *t = &d->trace;

	trace_end(t);
	trace_ring_free(t->ring, t->records);
	t->ring = NULL;
	return json_object();
}

static json_t *with_lock(struct dsm *d, uint64_t token, json_t *(*what)(struct dsm *))
{
	json_t *o;

	pthread_mutex_lock(&d->lock);
	o = is_mine(d, token) ? what(d) : error_json("is not traced by you any more");
	pthread_mutex_unlock(&d->lock);
	return o;
}

char *trace_answer(struct dsm *d, const char *request)
{
	uint64_t token, a = 0, b = 0;
	char verb[8], *text;
	json_t *o;

	const int n = sscanf(request, "%7s %" SCNu64 " %" SCNu64 " %" SCNu64, verb, &token, &a, &b);

	if (n == 3 && !strcmp(verb, "read"))
		return read_some(d, token, a);
	if (n == 4 && !strcmp(verb, "start"))
		o = start(d, token, a, b);
	else if (n == 2 && !strcmp(verb, "stop"))
		o = with_lock(d, token, stop);
	else if (n == 2 && !strcmp(verb, "end"))
		o = with_lock(d, token, end);
	else
		o = error_json("unknown request of a trace");
	text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	json_decref(o);
	return text;
}
