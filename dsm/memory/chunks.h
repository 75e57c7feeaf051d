/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as the transport knows them: registered as whole zones, or, where registered
 * memory is pinned, by chunks, each when its first frame is landing or source of a page
 * write, and until none of its frames is in use. A chunk is an extent, which lies in one
 * home's block: what a home has for others costs it no memory of theirs. Under the node's
 * lock.
 */
#ifndef CHUNKS_H
#define CHUNKS_H

#include <stdint.h>

#include "dsm/memory/region.h"

struct tr;
struct tr_mem;

struct chunks {
	struct region *region;
	struct tr *tr;
	int pinned; /* by chunks */
	struct tr_mem *whole[REGION_ZONES];  /* not pinned */
	struct tr_mem **chunk[REGION_ZONES]; /* pinned: NULL until registered; lazily populated */
	uint64_t registered_bytes;
};

/* by_chunk: also where the provider pins nothing. Registers nothing yet. */
void chunks_init(struct chunks *c, struct region *region, struct tr *tr, int by_chunk);
/* Pages that are registered together, and keep or lose their memory together; 1 where
 * registering keeps no memory. */
uint32_t chunks_pages(const struct chunks *c, enum region_zone_kind kind);
/* Registers the zones as far as that is to be done beforehand. -ENOMEM, -EAGAIN (pinning
 * exceeds RLIMIT_MEMLOCK), or what the provider said. */
int chunks_open(struct chunks *c);
/* After the transport's close, which ends the registrations. Zeroed is allowed. */
void chunks_close(struct chunks *c);
/* The registration that these frames lie in; pages of one chunk. -ENOSPC, and as above. */
int chunks_mem(struct chunks *c, uint64_t first, uint32_t n, struct tr_mem **out);
/* Ends the registration of the chunk that page lies in, if there is one: before its memory
 * is given back, for what peers write later would go where nobody looks. No frame of it may
 * be landing or source any more. Does nothing to zones that are registered as a whole. */
void chunks_release(struct chunks *c, uint64_t page);

#endif
