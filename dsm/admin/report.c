/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics, and the answers to dsmctl. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

static json_t *waits_json(const struct dsm *d, unsigned kind)
{
	return json_integer((json_int_t)d->waits.latency.of[kind].count);
}

static json_t *stats_json(struct dsm *d)
{
	struct dsm_stats s;
	json_t *o = json_object();

	node_stats(d, &s);
#define PUT(member) json_object_set_new(o, #member, json_integer((json_int_t)s.member))
	PUT(faults);
	PUT(read_misses);
	PUT(write_misses);
	PUT(upgrades);
	PUT(pages_fetched);
	PUT(grants_empty);
	PUT(pages_supplied);
	PUT(refreshes);
	PUT(write_backs);
	PUT(invalidations);
	PUT(downgrades);
	PUT(deferred);
	PUT(prefetched);
	PUT(prefetch_wasted);
	PUT(evictions);
	PUT(atomics);
	PUT(locks);
	PUT(barriers);
	PUT(messages_sent);
	PUT(messages_received);
	PUT(bytes_sent);
	PUT(bytes_received);
	PUT(page_writes);
	PUT(page_write_bytes);
	PUT(doorbells);
	PUT(fault_ns_total);
	PUT(sleeps);
	PUT(pages_written);
	PUT(page_writes_landed);
	PUT(registered_bytes);
	PUT(faults_rwp);
	PUT(extents_to_wp);
	PUT(extents_to_rwp);
	PUT(extents_stayed_wp);
	PUT(memory_budget);
	PUT(memory_used);
	PUT(memory_home);
	PUT(evicted_shared);
	PUT(evicted_modified);
	PUT(frames_returned);
	PUT(pages_pinned);
	PUT(frame_waits);
	PUT(refused);
#undef PUT
	/* These are in dsm_get_latency(). */
	json_object_set_new(o, "lock_waits", waits_json(d, DSM_LATENCY_LOCK));
	json_object_set_new(o, "barrier_waits", waits_json(d, DSM_LATENCY_BARRIER));
	return o;
}

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

static json_t *status_json(struct dsm *d)
{
	const struct region_zone *zone = &d->memory.region.zone[REGION_PTE];

	return json_pack("{s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:I, s:f, s:b, s:I, s:o}", "job",
	                 d->boot->job, "rank", d->boot->rank, "size", d->boot->size, "pid",
	                 (int)getpid(), "version", PACKAGE_VERSION, "provider",
	                 d->tr->ops->provider(d->tr), "trap", d->trap->ops->name, "faults",
	                 d->signal ? "signal" : "event", "region_bytes",
	                 (json_int_t)(zone->count * zone->page_bytes), "uptime_s",
	                 (double)(clock_now_ns() - d->start_ns) / 1e9, "lost", d->members.lost != 0,
	                 "bad_messages", (json_int_t)d->engine.bad_messages, "waiting",
	                 waiting_json(d));
}

char *report_answer(void *dsm, const char *request)
{
	struct dsm *d = dsm;
	json_t *o;
	char *text;

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
	else
		o = json_pack("{s:s}", "error",
		              "unknown request; known are: audit, hot, latency, stats, status");
	pthread_mutex_unlock(&d->lock);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	json_decref(o);
	return text;
}
