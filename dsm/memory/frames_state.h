/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames from within: what those who allocate them and those who give them back stand on. */
#ifndef FRAMES_STATE_H
#define FRAMES_STATE_H

#include "dsm/memory/frames.h"

static inline struct frame_unit *unit_at(const struct frames *f, uint64_t page)
{
	return &f->unit[frames_unit(f, page)];
}

static inline size_t page_bytes(const struct frames *f, uint64_t page)
{
	return region_zone_of(f->region, page)->page_bytes;
}

static inline struct frames_pool *pool_of(struct frames *f, uint64_t page)
{
	return &f->pool[f->pool_of[frames_zone(f, page)]];
}

static inline struct evict *evict_of(struct frames *f, uint64_t page)
{
	return &f->evict[frames_zone(f, page)];
}

/* Or, what comes to the same here, the second node that holds the page. */
static inline int is_home(const struct frames *f, uint64_t page)
{
	const coh_node home = f->members ? coh_home_among(f->homes, f->members, page)
	                                 : coh_home_of(f->homes, page);

	if (home == f->homes->self || !coh_is_secure(f->homes, page))
		return home == f->homes->self;
	return coh_second_among(f->homes, f->members ? f->members : UINT64_MAX, page) == f->homes->self;
}

#endif
