/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which frames of the region are allocated, which are the source of a page write under
 * way, and which are to be given back once they are not; and how all that stands to the
 * node's budget. Under the node's lock.
 *
 * Frames of home pages come first: they are counted from the moment the page may be written
 * anywhere, so that there is room when it comes back. What they leave is for pages of other
 * homes, the cached ones, of which an eviction policy (evict.h) says who goes. A page that two nodes
 * hold (coherence/held.h) counts as a home page at both.
 *
 * What is counted, given up and given back is the unit: a page, or, where registered memory
 * is pinned, a chunk (chunks.h), whose memory goes back when none of its frames is in use.
 * Units are known by their first page.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/memory/evict.h"
#include "dsm/memory/region.h"

struct chunks;

struct frame_state {
	uint8_t ready : 1; /* allocated, and in use */
	uint8_t holds : 1; /* the window allows something for it */
	uint8_t drop : 1;  /* to be given back */
	uint8_t clean : 1; /* as long as it is ready: zero */
	uint8_t due : 1;   /* a home page that may be written elsewhere */
	uint16_t pins;     /* page writes that read it */
};

struct frame_unit {
	uint8_t counted : 1; /* in the pool: it has frames that are ready, or due */
	uint8_t ready, holding, kept, due; /* how many of its frames are */
};

/* A budget, for one zone or for both. Bytes. */
struct frames_pool {
	uint64_t budget;
	uint64_t used; /* allocated or reserved */
	uint64_t home; /* of these, for home pages */
	uint64_t kept; /* of these, for cached pages that the application has pinned */
};

struct frames {
	struct region *region;
	struct chunks *chunks;
	const struct coh_config *homes;
	uint64_t members; /* who lives, one bit each; 0: all */
	struct frame_state *state; /* by page; lazily populated */
	struct frame_unit *unit;   /* by the number of its first page; the same */
	size_t bytes, unit_bytes;
	uint32_t unit_pages[REGION_ZONES];
	struct frames_pool pool[REGION_ZONES];
	/* Bytes counted already for home pages of 2 MiB not yet touched; and at the start. */
	uint64_t set_aside, set_aside_first;
	uint8_t pool_of[REGION_ZONES];
	struct evict evict[REGION_ZONES]; /* the cached units of a zone */
	uint64_t returned;                /* frames whose memory was given back */
};

/* both: huge pages count in the budget; home pages among them are counted from the start, up
 * to home_bytes, because a huge page that is short cannot be taken from elsewhere. Else all of
 * their zone is set aside. -ENOMEM */
int frames_open(struct frames *f, struct region *region, struct chunks *chunks,
                const struct coh_config *homes, uint64_t budget_bytes, int both,
                uint64_t home_bytes);
void frames_close(struct frames *f);
/* --- frames_rehome.c --- */
/* Of the nodes these live from now on (one bit each), and the pages of the others have other homes:
 * those that are this node's then are no cached pages any more. What was being given up stays. */
void frames_rehome(struct frames *f, uint64_t members);
/* Sees to it that these pages' frames are allocated. -ENOSPC. */
int frames_prepare(struct frames *f, uint64_t first, uint32_t n);
/* The same for those that region_frame_fill() fills next, before anybody may look at them. */
int frames_prepare_filled(struct frames *f, uint64_t first, uint32_t n);
/* The same for pages that this node asks for, for a thread or (wanted 0) ahead of it. */
int frames_want(struct frames *f, uint64_t first, uint32_t n, int wanted);
/* The same ahead of a thread that is to write pages which, as it seems, nobody has touched. */
int frames_want_fresh(struct frames *f, uint64_t first, uint32_t n);
/* There is a frame, and it is to stay. */
int frames_stays(const struct frames *f, uint64_t page);
/* A thread wants this page, whose frame is allocated: for the choice of what to evict. */
void frames_used(struct frames *f, uint64_t page);
/* Home pages that may be written elsewhere from now on: their frames will be needed. */
void frames_reserve(struct frames *f, uint64_t first, uint32_t n);
/* The window allows something for these pages; nothing any more: other nodes have taken them,
 * or they are being given up. */
void frames_hold(struct frames *f, uint64_t first, uint32_t n);
void frames_lost(struct frames *f, uint64_t first, uint32_t n);
/* Keeps a cached page, which has a frame, from being given up. Home pages never are. */
void frames_keep(struct frames *f, uint64_t page);
void frames_unkeep(struct frames *f, uint64_t page);
int frames_is_kept(const struct frames *f, uint64_t page); /* its unit */
/* Whether the pool has room for so many bytes more of these. */
int frames_may_keep(const struct frames *f, unsigned pool, uint64_t bytes);
void frames_pin(struct frames *f, uint64_t first, uint32_t n);
void frames_unpin(struct frames *f, uint64_t first, uint32_t n);
/* These frames may be written by now: what they hold is not known to be zero. */
void frames_soil(struct frames *f, uint64_t first, uint32_t n);
/* --- frames_back.c --- */
/* Gives frames back, now or when their last page write is over; they read as zero then. With
 * the last of its unit the memory goes back, and what was registered is no longer. */
void frames_drop(struct frames *f, uint64_t first, uint32_t n);
/* On return these frames, which stay, are zero. */
void frames_zero(struct frames *f, uint64_t first, uint32_t n);
/* Home pages that nobody has, nor needs what was in them: on return their frames are zero, and go
 * back; nothing is counted for them any more. */
void frames_discard(struct frames *f, uint64_t first, uint32_t n);
int frames_ready(const struct frames *f, uint64_t page);

enum region_zone_kind frames_zone(const struct frames *f, uint64_t page);
/* The first page of the unit that page lies in, the first behind it, and the unit's bytes. */
uint64_t frames_unit(const struct frames *f, uint64_t page);
uint64_t frames_unit_end(const struct frames *f, uint64_t page);
uint64_t frames_unit_bytes(const struct frames *f, enum region_zone_kind kind);
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
