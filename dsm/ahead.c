/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking for pages before they are read: by dsm_prefetch, or by a thread's stream. */
#include "dsm/node.h"

void node_fetch_ahead(struct dsm *d, uint64_t first, uint64_t end)
{
	struct coh_event ev = {.kind = COH_EV_PREFETCH};

	for (ev.page = first; ev.page < end && !d->lost; ev.page += d->fx.consumed) {
		ev.n = end - ev.page < COH_MAX_RUN ? end - ev.page : COH_MAX_RUN;
		/* A landing needs its frame. A hint makes nobody give up a page. */
		if (!frames_have_room(&d->frames, ev.page, ev.n, node_frames_spare(d, ev.page)) ||
		    frames_want(&d->frames, ev.page, ev.n, 0) || node_step(d, &ev))
			return;
	}
}

void node_follow_stream(struct dsm *d, uint32_t thread, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->region, page);
	uint64_t zone_end = zone->first + zone->count, end;
	struct stream_advice a;

	/* A huge page is a run by itself. */
	if (!thread || zone != &d->region.zone[REGION_PTE])
		return;
	a = stream_fault(&d->streams, thread, page);
	end = page + a.run < zone_end ? page + a.run : zone_end;
	node_fetch_ahead(d, page + 1, end);
	for (unsigned i = 1; i <= a.ahead; i++) {
		uint64_t at = page + a.run - 1 + (uint64_t)(a.stride * (int64_t)i);
		if (at < zone->first || at >= zone_end)
			return;
		node_fetch_ahead(d, at, at + 1);
	}
}
