/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The budgets: how much memory each node has for frames, which all nodes agree on at
 * start, and how much shared memory that is enough for.
 */
#ifndef BUDGET_H
#define BUDGET_H

#include <stdint.h>

#include "coherence/coh.h"

#define BUDGET_SHARE 2 /* without DSM_MEMORY: one in so many of the bytes that are available */
#define BUDGET_MIN (UINT64_C(256) << 10)
/* What one instruction can touch, and so the frames that caching has at least. */
#define BUDGET_FLOOR_PAGES 16

/* What a node tells the others. */
struct budget_claim {
	uint64_t machine;   /* the same for nodes that share memory */
	uint64_t available; /* bytes there */
	uint64_t memory;    /* DSM_MEMORY, or 0 */
};

/* What it gets. */
struct budget {
	uint64_t bytes; /* of frames of 4 KiB pages; of all frames where it is for both zones */
	uint8_t both;   /* huge pages count too; else all of their zone is set aside */
	uint32_t chunk; /* bytes of 4 KiB pages that come and go together, when more than one; or 0 */
};

/* Bytes that this machine and this process's control groups (version 1 and 2) have left.
 * root: "", or for tests where proc and sys/fs/cgroup are looked for. */
uint64_t budget_available(const char *root);
uint64_t budget_machine(void);
/* The same answer on all nodes. Nodes of one machine share what the least of them has seen. */
void budget_agree(const struct budget_claim *claim, unsigned nodes, struct budget *out);
/* Of a node's budget what home pages may have: some frames are to be left for caching.
 * page_bytes: by zone. */
uint64_t budget_home_bytes(const struct coh_config *config, const struct budget *b,
                           const uint64_t *page_bytes);
/* How many of the first pages of a zone all homes together have memory for, when so many of
 * the other zone's are in use. */
uint64_t budget_limit(const struct coh_config *config, const struct budget *by_node,
                      const uint64_t *page_bytes, unsigned zone, uint64_t other_pages);

#endif
