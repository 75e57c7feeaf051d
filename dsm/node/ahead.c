/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking for pages before they are read: by dsm_prefetch, or by a thread's stream. */
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

struct stream_advice node_stream(struct dsm *d, uint32_t thread, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);
	struct stream_advice a = {.run = 1};

	/* A huge page is a run by itself. */
	if (!thread || zone != &d->memory.region.zone[REGION_PTE])
		return a;
	a = stream_fault(&d->streams, thread, page,
	                 coh_cache_state_of(d->engine.coh, page) == COH_C_IS_D);
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
