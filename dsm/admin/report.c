/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers to dsmctl. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

static json_t *wait_json(const char *what, uint32_t thread, uint64_t since_ns)
{
	return json_pack("{s:s, s:I, s:I}", "what", what, "thread", (json_int_t)thread, "since_ms",
	                 (json_int_t)((clock_now_ns() - since_ns) / 1000000));
}

static json_t *waiting_json(struct dsm *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->faults.n; i++) {
		struct fault *f = &d->faults.list[i];
		json_t *o = wait_json(f->write ? "write" : "read", f->thread, f->since_ns);
		struct coh_page_info info;
		coh_page_info(d->engine.coh, f->page, &info);
		json_object_set_new(o, "page", json_integer((json_int_t)f->page));
		json_object_set_new(o, "state", json_string(coh_cache_state_name(info.cache_state)));
		json_array_append_new(list, o);
	}
	for (struct waiter *w = d->waits.all; w; w = w->next)
		if (w->what)
			json_array_append_new(list, wait_json(w->what, w->thread, w->since_ns));
	return list;
}

/* Of a job that goes on when nodes die. */
static void add_view(struct dsm *d, json_t *o)
{
	json_t *living = json_array();

	for (int rank = 0; rank < d->boot->size; rank++)
		if (d->view.members >> rank & 1)
			json_array_append_new(living, json_integer(rank));
	json_object_set_new(o, "view", json_integer(d->view.number));
	json_object_set_new(o, "living", living);
	json_object_set_new(o, "lost_pages", json_integer((json_int_t)d->view.n_lost));
	json_object_set_new(o, "late_writes", json_integer((json_int_t)d->view.n_late));
}

static json_t *status_json(struct dsm *d)
{
	const struct region_zone *zone = &d->memory.region.zone[REGION_PTE];
	json_t *o;

	o = json_pack("{s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:I, s:f, s:b, s:I, s:o}", "job",
	                 d->boot->job, "rank", d->boot->rank, "size", d->boot->size, "pid",
	                 (int)getpid(), "version", PACKAGE_VERSION, "provider",
	                 d->tr->ops->provider(d->tr), "trap", d->trap->ops->name, "faults",
	                 d->signal ? "signal" : "event", "region_bytes",
	                 (json_int_t)(zone->count * zone->page_bytes), "uptime_s",
	                 (double)(clock_now_ns() - d->start_ns) / 1e9, "lost", d->members.lost != 0,
	                 "bad_messages", (json_int_t)d->engine.bad_messages, "waiting",
	                 waiting_json(d));
	if (o && d->view.on)
		add_view(d, o);
	return o;
}

char *report_answer(void *dsm, const char *request)
{
	struct dsm *d = dsm;
	json_t *o;
	char *text;

	if (!strncmp(request, "trace ", 6))
		return trace_answer(d, request + 6);
	if (!strncmp(request, "heat ", 5))
		return heat_answer(d, request + 5);
	if (!strncmp(request, "checkpoint ", 11))
		return wanted_answer(d, request + 11);
	pthread_mutex_lock(&d->lock);
	if (!strcmp(request, "status"))
		o = status_json(d);
	else if (!strcmp(request, "stats"))
		o = stats_json(d);
	else if (!strcmp(request, "audit"))
		o = audit_json(d);
	else if (!strcmp(request, "hot"))
		o = hot_json(d);
	else if (!strcmp(request, "latency"))
		o = latency_json(d);
	else if (!strcmp(request, "clock"))
		o = json_pack("{s:I}", "now_ns", (json_int_t)clock_now_ns());
	else if (!strcmp(request, "watch"))
		o = watch_json(d);
	else
		o = json_pack("{s:s}", "error", "unknown request; known are: audit, checkpoint, clock, "
		                                "heat, hot, latency, stats, status, trace, watch");
	pthread_mutex_unlock(&d->lock);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	json_decref(o);
	return text;
}
