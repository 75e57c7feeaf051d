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

/* Of one zone, or of pages of it: offsets are from the first of these on. */
struct room {
	const struct coh_config *homes;
	unsigned zone;
	uint64_t page_bytes, first, count;
	int twice; /* each page is in use of two nodes: its home, and the second one */
	uint64_t *in_use; /* a bit a page; lazily populated */
	uint64_t *used;   /* by node: pages */
	uint64_t *need;   /* by node: scratch, all 0 */
};

/* -ENOMEM */
int room_open(struct room *r, const struct coh_config *homes, unsigned zone, uint64_t page_bytes);
/* Of count pages of the zone, from first on; twice: two nodes hold them. */
int room_open_part(struct room *r, const struct coh_config *homes, unsigned zone, uint64_t page_bytes,
                   uint64_t first, uint64_t count, int twice);
void room_close(struct room *r); /* half-built and zeroed are allowed */
/* Whether all homes may have these bytes' pages in use, beside those that are; most(): how many
 * pages of the zone a node may be home to. */
int room_fits(struct room *r, uint64_t offset, uint64_t bytes,
              uint64_t (*most)(void *ctx, coh_node node), void *ctx);
/* These bytes' pages are in use; are not any more, but for those of [dirty_lo, dirty_hi). */
void room_take(struct room *r, uint64_t offset, uint64_t bytes);
void room_give(struct room *r, uint64_t offset, uint64_t bytes, uint64_t dirty_lo,
               uint64_t dirty_hi);
/* The first of [*lo, *hi) that lies in pages in use, one after the other: 1; 0: none does. */
int room_next(const struct room *r, uint64_t *lo, uint64_t *hi);

#endif
