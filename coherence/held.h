/* SPDX-License-Identifier: BSD-2-Clause */
/* What callers of the core may ask of secure pages (secure.h): a part of coh.h, which includes it. */
#ifndef COH_HELD_H
#define COH_HELD_H

#include <stdint.h>

#include "coherence/msg.h"

struct coh;
struct coh_config;

/* Two nodes hold it. */
int coh_is_secure(const struct coh_config *config, uint64_t page);
/* Who holds it beside its home when these live: the next one, or COH_NO_NODE. That one's frame stays. */
coh_node coh_second_among(const struct coh_config *config, uint64_t members, uint64_t page);
/* This node is that one, and has it. */
int coh_is_copy(const struct coh *coh, uint64_t page);
/* All that were ever touched are held by two nodes since the last death. */
int coh_is_restored(const struct coh *coh);
/* How many this node may write, or has written, that are not on two nodes as it wrote them. */
uint32_t coh_unsecured(const struct coh *coh);
/* What landed here for whom this node stands in for is still to be kept: the effect TAKE may come. */
int coh_keeps_log(const struct coh *coh, uint64_t page);

#endif
