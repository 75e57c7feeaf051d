/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as the transport knows them: registered as whole zones, or, where registered
 * memory is pinned, by chunks, each when its first frame is landing or source of a page
 * write. A chunk is an extent, which lies in one home's block: what a home has for others
 * costs it no memory of theirs. Under the node's lock.
 */
#ifndef CHUNKS_H
#define CHUNKS_H

#include <stdint.h>

#include "dsm/region.h"

struct tr;
struct tr_mem;

struct chunks {
	struct region *region;
	struct tr *tr;
	int pinned;
	struct tr_mem *whole[REGION_ZONES];  /* not pinned */
	struct tr_mem **chunk[REGION_ZONES]; /* pinned: NULL until registered; lazily populated */
	uint64_t registered_bytes;
};

/* Registers the zones as far as that is to be done beforehand. -ENOMEM, -EAGAIN (pinning
 * exceeds RLIMIT_MEMLOCK), or what the provider said. */
int chunks_open(struct chunks *c, struct region *region, struct tr *tr);
/* After the transport's close, which ends the registrations. Zeroed is allowed. */
void chunks_close(struct chunks *c);
/* The registration that these frames lie in; pages of one chunk. -ENOSPC, and as above. */
int chunks_mem(struct chunks *c, uint64_t first, uint32_t n, struct tr_mem **out);
/* Whether the page's frame is pinned. Its memory must not be given back then: what peers
 * write would go where nobody looks. */
int chunks_pins(const struct chunks *c, uint64_t page);

#endif
