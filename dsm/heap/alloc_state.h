/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator from within: bins below, then blocks, then alloc.c, then alloc_place.c. As of alloc.h, one thread
 * at a time.
 */
#ifndef ALLOC_STATE_H
#define ALLOC_STATE_H

#include <stdint.h>

#include "dsm/heap/alloc.h"

/* Out of memory is an error to report, not a reason to exit. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define GRANULE 16u
#define SL_BITS 5u
#define SL_COUNT (1u << SL_BITS)
#define FL_COUNT 56u /* classes for 2^60 granules and less */

/* A run of bytes, taken or free. All blocks together cover the range, in the order of
 * below and above; no two neighbours are both free. */
struct block {
	uint64_t offset, size;       /* multiples of GRANULE */
	uint64_t dirty_lo, dirty_hi; /* free: all bytes ever handed out lie in [lo, hi) */
	struct block *below, *above;
	struct block *prev, *next;   /* in the list of its class, free ones only */
	int taken;
	uint32_t leaving; /* taken, and given back in part: by whom, and 1; else 0 */
	UT_hash_handle hh;           /* in by_offset, taken ones only */
};

struct alloc {
	uint64_t base, bytes, page_bytes;
	int (*fits)(void *ctx, uint64_t offset, uint64_t bytes); /* or NULL */
	void *fits_ctx;
	int mixed; /* a restored block of a page or more may share pages with others */
	struct block *lowest;
	struct block *by_offset;
	struct block *spare; /* chained by next */
	unsigned spares;
	struct alloc_stats stats; /* all but largest_free */
	uint64_t fl_map;
	uint32_t sl_map[FL_COUNT];
	struct block *bin[FL_COUNT][SL_COUNT];
};

struct class {
	unsigned fl, sl;
};

static inline uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- alloc_bins.c --- */

/* The class that a free block of this size is kept in. */
struct class alloc_class_of(uint64_t size);
/* The lowest class in which every block has at least this size. */
struct class alloc_class_above(uint64_t size);
/* The first class from *c on that has a block: its list, and *c set to it; or NULL. */
struct block *alloc_bin_from(const struct alloc *a, struct class *c);
void alloc_bin_add(struct alloc *a, struct block *b);
void alloc_bin_remove(struct alloc *a, struct block *b);

/* --- alloc_blocks.c --- */

/* Descriptors for all that one take can need, or -ENOMEM; and one of them. */
int alloc_spares_fill(struct alloc *a);
struct block *alloc_spare_take(struct alloc *a);
/* Sets what is dirty of a free block to the part of [lo, hi) that lies in it. */
void alloc_set_dirty(struct block *b, uint64_t lo, uint64_t hi);
/* Joins a free block with the free block above it, which goes away. */
void alloc_join_above(struct alloc *a, struct block *b);
/* Makes the first size bytes of a block, or all but them, a free block of their own. */
void alloc_split_below(struct alloc *a, struct block *b, uint64_t size);
void alloc_split_above(struct alloc *a, struct block *b, uint64_t size);

/* --- alloc.c --- */

/* Takes [start, start + size) of a free block that has it. -ENOMEM: nothing has changed. */
int alloc_carve(struct alloc *a, struct block *b, uint64_t start, uint64_t size);
struct block *alloc_taken_at(const struct alloc *a, uint64_t offset); /* or NULL */

#endif
