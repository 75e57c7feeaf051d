/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which frames of the region are allocated, which are the source of a page write under
 * way, and which are to be given back once they are not; and how all that stands to the
 * node's budget. Under the node's lock.
 *
 * Frames of home pages come first: they are counted from the moment the page may be written
 * anywhere, so that there is room when it comes back. What they leave is for pages of other
 * homes, the cached ones, of which an eviction policy (evict.h) says who goes.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/evict.h"
#include "dsm/region.h"

struct chunks;

struct frame_state {
	uint8_t ready : 1;    /* allocated */
	uint8_t reserved : 1; /* not yet, but counted: a home page that may be written */
	uint8_t drop;         /* to be given back */
	uint16_t pins;        /* page writes that read it */
};

/* A budget, for one zone or for both. Bytes. */
struct frames_pool {
	uint64_t budget;
	uint64_t used; /* allocated or reserved */
	uint64_t home; /* of these, for home pages */
};

struct frames {
	struct region *region;
	const struct chunks *chunks;
	const struct coh_config *homes;
	struct frame_state *state; /* by page; lazily populated */
	size_t bytes;
	struct frames_pool pool[REGION_ZONES];
	uint64_t set_aside; /* bytes counted already for home pages of 2 MiB not yet touched */
	uint8_t pool_of[REGION_ZONES];
	struct evict evict[REGION_ZONES]; /* the cached pages of a zone */
	uint64_t returned;                /* frames whose memory was given back */
};

/* both: huge pages count in the budget; home pages among them are counted from the start, up
 * to home_bytes, because a huge page that is short cannot be taken from elsewhere. Else all of
 * their zone is set aside. -ENOMEM */
int frames_open(struct frames *f, struct region *region, const struct chunks *chunks,
                const struct coh_config *homes, uint64_t budget_bytes, int both,
                uint64_t home_bytes);
void frames_close(struct frames *f);
/* Sees to it that these pages' frames are allocated. -ENOSPC. */
int frames_prepare(struct frames *f, uint64_t first, uint32_t n);
/* The same for pages that this node asks for, for a thread or (wanted 0) ahead of it. */
int frames_want(struct frames *f, uint64_t first, uint32_t n, int wanted);
/* Home pages that may be written elsewhere from now on: their frames will be needed. */
void frames_reserve(struct frames *f, uint64_t first, uint32_t n);
/* Other nodes have taken these pages. */
void frames_lost(struct frames *f, uint64_t first, uint32_t n);
void frames_pin(struct frames *f, uint64_t first, uint32_t n);
void frames_unpin(struct frames *f, uint64_t first, uint32_t n);
/* Gives a frame back, now or when its last page write is over; it reads as zero then. One
 * that is registered keeps its memory. */
void frames_drop(struct frames *f, uint64_t page);

enum region_zone_kind frames_zone(const struct frames *f, uint64_t page);
/* Bytes of a pool that are free, or will be once what is leaving has left; negative when it
 * has more than its budget. */
int64_t frames_free(const struct frames *f, unsigned pool);
int64_t frames_free_soon(const struct frames *f, unsigned pool);
/* Bytes of cached pages, and of those that are leaving. */
uint64_t frames_cached(const struct frames *f, unsigned pool);
uint64_t frames_leaving(const struct frames *f, unsigned pool);
/* Whether these pages have frames, or may have them within the budget with so many bytes
 * to spare. */
int frames_have_room(const struct frames *f, uint64_t first, uint32_t n, uint64_t spare);

#endif
