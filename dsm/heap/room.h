/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the homes have room for: of each page of a zone, whether it may hold something, and how
 * many of these each node is home to. A page may from when it is first handed out until it is
 * free and discarded. At rank 0; one thread at a time.
 */
#ifndef ROOM_H
#define ROOM_H

#include <stdint.h>

#include "coherence/coh.h"

/* Of one zone. */
struct room {
	const struct coh_config *homes;
	unsigned zone;
	uint64_t page_bytes;
	uint64_t *in_use; /* a bit a page; lazily populated */
	uint64_t *used;   /* by node: pages */
	uint64_t *need;   /* by node: scratch, all 0 */
};

/* -ENOMEM */
int room_open(struct room *r, const struct coh_config *homes, unsigned zone, uint64_t page_bytes);
void room_close(struct room *r); /* half-built and zeroed are allowed */
/* Whether all homes may have these bytes' pages in use, beside those that are; most(): how many
 * pages of the zone a node may be home to. */
int room_fits(struct room *r, uint64_t offset, uint64_t bytes,
              uint64_t (*most)(void *ctx, coh_node node), void *ctx);
/* These bytes' pages are in use; are not any more, but for those of [dirty_lo, dirty_hi). */
void room_take(struct room *r, uint64_t offset, uint64_t bytes);
void room_give(struct room *r, uint64_t offset, uint64_t bytes, uint64_t dirty_lo,
               uint64_t dirty_hi);

#endif
