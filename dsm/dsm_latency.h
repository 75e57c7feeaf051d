/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long the threads of a node have waited: a histogram for each kind of wait, always counted.
 * The rules of dsm.h hold.
 */
#ifndef DSM_LATENCY_H
#define DSM_LATENCY_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What was waited for. Others may follow. */
enum dsm_latency_kind {
	DSM_LATENCY_READ_MISS = 1, /* a page to read, of which there was no copy here */
	DSM_LATENCY_WRITE_MISS,    /* a page to write, likewise */
	DSM_LATENCY_UPGRADE,       /* to write a page that could be read */
	DSM_LATENCY_LOCK,          /* in dsm_mutex_lock */
	DSM_LATENCY_BARRIER,       /* in dsm_barrier, and in each round of dsm_coll.h */
	DSM_LATENCY_EVICTION,      /* for memory, before a page was asked for */
	DSM_LATENCY_FUTEX,         /* in dsm_futex_wait, where it was woken */
};

/*
 * Buckets grow by an eighth at most, and double every eight: bucket k counts waits of more than
 * dsm_latency_bound(k - 1) nanoseconds, and no more than
 *
 *	dsm_latency_bound(k) = k + 1                           where k < 8
 *	                       (9 + k % 8) << (k / 8 - 1)      from there on
 *
 * Bucket 0 counts 0 and 1 ns. The last one ends at 2^42 ns, which is 73 minutes, and counts all
 * that took longer, too.
 */
#define DSM_LATENCY_BUCKETS 320

struct dsm_latency {
	uint64_t count;  /* of waits */
	uint64_t sum_ns; /* of all of them */
	uint64_t max_ns; /* the longest */
	uint64_t bucket[DSM_LATENCY_BUCKETS];
};

/*
 * The waits of this kind that have ended at this node since it started; size is sizeof *out, and
 * with that this may grow. Does not block. DSM_ERR_INVAL: there is no such kind.
 */
DSM_API int dsm_get_latency(dsm_t *dsm, int kind, struct dsm_latency *out, size_t size);

/* The following need no node, and are for any thread; what they read must not change meanwhile. */

/* "read_miss" and the like, a static text; NULL: there is no such kind. */
DSM_API const char *dsm_latency_name(int kind);
/* The bucket that counts a wait of so many nanoseconds. */
DSM_API unsigned dsm_latency_bucket(uint64_t ns);
/* The longest wait that a bucket counts, in nanoseconds. bucket < DSM_LATENCY_BUCKETS. */
DSM_API uint64_t dsm_latency_bound(unsigned bucket);
/* Nanoseconds that so large a part of the waits, 0 to 1, did not exceed: the bound of the bucket
 * in which that is reached, or the longest wait where that is less. 0 where nothing was counted. */
DSM_API uint64_t dsm_latency_quantile(const struct dsm_latency *latency, double part);
/* Adds another node's, or another time's, to one. */
DSM_API void dsm_latency_merge(struct dsm_latency *into, const struct dsm_latency *from);

#ifdef __cplusplus
}
#endif
#endif
