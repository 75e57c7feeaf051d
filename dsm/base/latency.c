/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of waits: what their buckets are, and what follows from their counts. */
#include "dsm/base/latency.h"

#define PARTS_BITS 3 /* buckets between a power of two and the next: 8 */
#define PARTS (1u << PARTS_BITS)

const char *dsm_latency_name(int kind)
{
	static const char *const name[] = {
		[DSM_LATENCY_READ_MISS] = "read_miss", [DSM_LATENCY_WRITE_MISS] = "write_miss",
		[DSM_LATENCY_UPGRADE] = "upgrade",     [DSM_LATENCY_LOCK] = "lock",
		[DSM_LATENCY_BARRIER] = "barrier",     [DSM_LATENCY_EVICTION] = "eviction",
		[DSM_LATENCY_FUTEX] = "futex",
	};

	return kind < 1 || kind > LATENCY_KINDS ? NULL : name[kind];
}

/* The bounds belong to their buckets. */
unsigned dsm_latency_bucket(uint64_t ns)
{
	const uint64_t v = ns ? ns - 1 : 0;
	unsigned power, bucket;

	if (v < PARTS)
		return (unsigned)v;
	power = 63 - (unsigned)__builtin_clzll(v);
	bucket = (power - PARTS_BITS + 1) * PARTS +
	         (unsigned)(v >> (power - PARTS_BITS) & (PARTS - 1));
	return bucket < DSM_LATENCY_BUCKETS ? bucket : DSM_LATENCY_BUCKETS - 1;
}

uint64_t dsm_latency_bound(unsigned bucket)
{
	if (bucket < PARTS)
		return bucket + 1;
	return (uint64_t)(PARTS + 1 + bucket % PARTS) << (bucket / PARTS - 1);
}

uint64_t dsm_latency_quantile(const struct dsm_latency *h, double part)
{
	uint64_t below = 0, bound = 0;

	for (unsigned k = 0; k < DSM_LATENCY_BUCKETS && h->count; k++) {
		below += h->bucket[k];
		if (!h->bucket[k] || (double)below < part * (double)h->count)
			continue;
		bound = dsm_latency_bound(k);
		/* The last bucket has no bound, and nothing is longer than the longest. */
		return k == DSM_LATENCY_BUCKETS - 1 || bound > h->max_ns ? h->max_ns : bound;
	}
	return h->max_ns;
}

void dsm_latency_merge(struct dsm_latency *into, const struct dsm_latency *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (unsigned k = 0; k < DSM_LATENCY_BUCKETS; k++)
		into->bucket[k] += from->bucket[k];
}
