/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node has of another's secure pages until these are on two nodes, or it takes that one's place
 * (coherence/secure.h): a page of memory for each, which is not the page's frame. As many as were there at
 * once stay allocated. The other one has only so many pages that are not on two nodes, so they are few.
 *
 * Under the node's lock.
 */
#ifndef STAGES_H
#define STAGES_H

#include <stdint.h>

#define STAGES_MOST 65536u
#define STAGES_PAGE_BYTES 4096u

struct stages {
	uint64_t first, pages; /* those that there may be one of */
	uint32_t *slot;        /* by page from first on: where it is, plus one; lazily populated */
	uint32_t *page;        /* by slot: which one, plus one; 0: free */
	uint32_t *free;        /* slots that were used */
	uint32_t n_free, used, most;
	uint8_t *at;
};

/* Of pages of 4 KiB. -ENOMEM */
int stages_open(struct stages *s, uint64_t first, uint64_t pages);
void stages_close(struct stages *s); /* half-built and zeroed are allowed */
/* Where what the page is to be kept; the same as before, if it has one. NULL: there are too many. */
void *stages_put(struct stages *s, uint64_t page);
/* Where it is, or NULL. */
const void *stages_at(const struct stages *s, uint64_t page);
void stages_drop(struct stages *s, uint64_t page);
/* Drops those that keeps() says are not needed. */
void stages_sweep(struct stages *s, int (*keeps)(const void *ctx, uint64_t page), const void *ctx);
uint32_t stages_count(const struct stages *s);

#endif
