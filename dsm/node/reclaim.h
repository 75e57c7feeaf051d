/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping cached pages within the budget: the service thread gives pages up ahead of need,
 * so that a fault seldom finds no frame. Under the node's lock.
 */
#ifndef RECLAIM_H
#define RECLAIM_H

#include <stdint.h>

#include "dsm/memory/memory.h"

struct dsm;

/* Giving pages of a pool up. */
struct reclaim_pool {
	uint8_t running;  /* below the low mark, and not yet at the high one */
	uint8_t short_of; /* a fault has found no frame */
	uint8_t stuck;    /* and there is none to give up */
	uint64_t unit, next, end; /* what is being given up, and its pages from next on not yet */
};

struct reclaim {
	struct reclaim_pool pool[REGION_ZONES];
	uint64_t shared, modified; /* pages given up that were in S, in M */
};

/* Gives pages up when frames are getting scarce. Service thread only. */
void node_reclaim(struct dsm *d);
/* Whether it has to look again when a tenure ends: a fault waits for a frame. */
int node_reclaim_waits(const struct dsm *d);
/* Gets a frame for a page that a thread wants. 0, -EAGAIN: not now, node_reclaim() will see
 * to it; -ENOSPC. */
int node_frame_for(struct dsm *d, uint64_t page);
/* Bytes that are to stay free when pages are fetched ahead. */
uint64_t node_frames_spare(const struct dsm *d, uint64_t page);

#endif
