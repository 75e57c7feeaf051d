/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What calls do with memory of DSM_KEEP2. The core does no atomic on it where the page is, as nobody else would
 * have what was written: the calling thread gets the page and does it here, through the frame, which no trap
 * is on; and if it has stored anything two nodes have that before the call returns. Without the lock.
 */
#ifndef KEEP2_H
#define KEEP2_H

#include <stdint.h>

#include "coherence/coh.h"

struct dsm;

/* Whether two nodes hold what is at this address. */
int keep2_has(const struct dsm *d, const void *at);
/* 0, DSM_ERR_LOST; DSM_ERR_LOST_DATA: two nodes have died, and with them the page. */
int keep2_atomic(struct dsm *d, void *at, const struct coh_atomic *a, uint64_t *old);
/* Zeroes, within one page; with bytes 0 nothing but a look at whether the page is lost. What is not on two nodes
 * when this returns is when node_secure() does. */
int keep2_clear(struct dsm *d, void *at, unsigned bytes);

#endif
