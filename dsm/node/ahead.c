/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking for pages before threads come to them: by dsm_prefetch, streams, trails, or with a lock. */
#include <errno.h>

#include "dsm/node/node.h"

void node_fetch_ahead(struct dsm *d, uint64_t first, uint64_t end)
{
	struct coh_event ev = {.kind = COH_EV_PREFETCH};

	for (ev.page = first; ev.page < end && !d->members.lost; ev.page += d->engine.fx.consumed) {
		ev.n = end - ev.page < view_run_most(d) ? end - ev.page : view_run_most(d);
		/* A landing needs its frame. A hint makes nobody give up a page. */
		if (!frames_have_room(&d->memory.frames, ev.page, ev.n,
		                      node_frames_spare(d, ev.page)) ||
		    frames_want(&d->memory.frames, ev.page, ev.n, 0) || node_step(d, &ev))
			return;
	}
}

/* As if a thread wrote there, for this one or for none: 0, or why not. by: see given.h. */
static int own_ahead(struct dsm *d, uint64_t by, uint32_t thread, uint64_t page)
{
	const struct coh_event ev = {.kind = COH_EV_WRITE, .page = page};
	const unsigned state = coh_cache_state_of(d->engine.coh, page);

	if (state != COH_C_I && state != COH_C_S)
		return 0;
	if (pins_at(d, page) || !frames_have_room(&d->memory.frames, page, 1, node_frames_spare(d, page)))
		return -EBUSY;
	if (frames_want(&d->memory.frames, page, 1, 0))
		return -ENOMEM;
	given_ask(&d->given, page, by, thread);
	return node_step(d, &ev);
}

static int may_own_ahead(const struct dsm *d)
{
	return view_run_most(d) > 1 && !d->freeze.what && !d->away.left && !d->checks;
}

void node_write_ahead(struct dsm *d, uint64_t page, unsigned asked)
{
	const struct region_zone *zone = &d->memory.region.zone[REGION_PTE];
	uint64_t end, by, next = page + asked;

	if (region_zone_of(&d->memory.region, page) != zone || !may_own_ahead(d))
		return;
	end = page + trails_fault(&d->write_trails, page);
	by = trails_first(&d->write_trails, page);
	if (end > zone->first + zone->count)
		end = zone->first + zone->count;
	while (next < end && !d->members.lost && own_ahead(d, by, 0, next) == 0)
		next++;
	trails_asked(&d->write_trails, page, (unsigned)(next - page));
}

struct stream_advice node_stream(struct dsm *d, uint32_t thread, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);
	struct stream_advice a = {.run = 1};
	unsigned learned;

	/* A huge page is a run by itself. */
	if (!thread || zone != &d->memory.region.zone[REGION_PTE])
		return a;
	a = stream_fault(&d->streams, thread, page,
	                 coh_cache_state_of(d->engine.coh, page) == COH_C_IS_D);
	learned = trails_fault(&d->read_trails, page);
	if (learned > a.run) {
		a.run = (uint16_t)learned;
		stream_asked(&d->streams, thread, page, a.run);
	} else if (a.run > learned) {
		trails_asked(&d->read_trails, page, a.run);
	}
	if (a.run > zone->first + zone->count - page)
		a.run = zone->first + zone->count - page;
	return a;
}

void node_follow_stream(struct dsm *d, uint64_t page, unsigned asked, const struct stream_advice *a)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);

	node_fetch_ahead(d, page + asked, page + a->run);
	for (unsigned i = 1; i <= a->ahead; i++) {
		uint64_t at = page + a->run - 1 + (uint64_t)(a->stride * (int64_t)i);
		if (at < zone->first || at >= zone->first + zone->count)
			return;
		node_fetch_ahead(d, at, at + 1);
	}
}

void node_ask_bound(struct dsm *d, uint32_t thread, uint64_t key)
{
	struct bound_page ask[BOUND_PAGES];
	unsigned n;

	bound_begin(&d->bound, thread, key);
	if (!may_own_ahead(d))
		return;
	n = bound_pages(&d->bound, key, ask);
	for (unsigned i = 0; i < n && !d->members.lost; i++)
		if (ask[i].writes)
			own_ahead(d, key, thread, ask[i].page);
		else
			node_fetch_ahead(d, ask[i].page, ask[i].page + 1);
	if (n)
		d->tr->ops->wake_peers(d->tr); /* whoever was given the lock may run first from here on */
}

int node_step_ask(struct dsm *d, const struct coh_event *ev)
{
	uint32_t object;
	int rc;

	waits_step_begin(&d->waits);
	rc = node_step(d, ev);
	object = d->engine.fx.object;
	if (d->engine.lock_given.key) {
		node_ask_bound(d, d->engine.lock_given.thread, d->engine.lock_given.key);
		d->engine.lock_given.key = 0;
	}
	d->engine.fx.object = object;
	waits_step_end(&d->waits);
	return rc;
}
