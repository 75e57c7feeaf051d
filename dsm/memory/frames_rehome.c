/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames when nodes have died: pages of theirs have this node for their home. */
#include "dsm/memory/frames_state.h"

/* These frames are a home's from now on, and stay. */
static void come_home(struct frames *f, uint64_t unit)
{
	pool_of(f, unit)->home += frames_unit_bytes(f, frames_zone(f, unit));
	evict_gone(evict_of(f, unit), unit);
}

void frames_rehome(struct frames *f, uint64_t members)
{
	f->members = members;
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		struct evict *e = &f->evict[kind];

		evict_stay(e); /* nobody answers what was asked when they were given up */
		for (uint32_t i = 1; i <= e->unused; i++) {
			const uint64_t unit = evict_page_of(e, i);

			if (unit != UINT64_MAX && is_home(f, unit) && unit_at(f, unit)->counted)
				come_home(f, unit);
		}
	}
}
