/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of waits: counting into them. What reads them is in dsm_latency.h. */
#ifndef LATENCY_H
#define LATENCY_H

#include "dsm/dsm_latency.h"

#define LATENCY_KINDS DSM_LATENCY_FUTEX /* the last one */

/* One for each kind, of which 0 is none. */
struct latency {
	struct dsm_latency of[LATENCY_KINDS + 1];
};

/* Counts a wait. Three lines of memory, no clock: whoever calls it has read that, and guards it. */
static inline void latency_note(struct latency *latency, unsigned kind, uint64_t ns)
{
	struct dsm_latency *h = &latency->of[kind];

	h->count++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->bucket[dsm_latency_bucket(ns)]++;
}

#endif
