/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator of the shared region: hands out offsets of one range. Its metadata
 * lies in private memory of the node that serves it, never in the range. Pure but
 * for malloc. One thread at a time.
 */
#ifndef ALLOC_H
#define ALLOC_H

#include <stddef.h>
#include <stdint.h>

struct alloc;

/* A range of bytes, a multiple of page_bytes (a power of two, 16 at least), that lies at
 * address base, too: alignments are of addresses. -EINVAL, -ENOMEM. */
int alloc_open(uint64_t base, uint64_t bytes, uint64_t page_bytes, struct alloc **out);
void alloc_close(struct alloc *a); /* NULL is allowed */

/*
 * bytes from 1; align a power of two up to the range's size, or 0. A block of a page or
 * more, or aligned to a page or more, starts and ends on page boundaries: it shares no
 * page with another. Smaller ones are packed at multiples of 16.
 * *offset is where, from base on; *dirty_bytes tells how many of the first of those bytes
 * may have been handed out before (0: all fresh; the caller zeroes that many). -ENOMEM: no
 * free block can hold it, or private memory is out; -EINVAL.
 */
int alloc_take(struct alloc *a, uint64_t bytes, uint64_t align, uint64_t *offset,
               uint64_t *dirty_bytes);
/* -EINVAL when offset is not the start of a taken block; then nothing changed. */
int alloc_give(struct alloc *a, uint64_t offset);
/* The same in two parts, for who looks after what is in the block in between: first it is nobody's,
 * and -EINVAL for whoever else gives it; *bytes tells its size. by: who that is (struct alloc_saved). Then it is free, and all but
 * [dirty_lo, dirty_hi), offsets of the range, as if it had never been handed out. */
int alloc_give_begin(struct alloc *a, uint64_t offset, uint16_t by, uint64_t *bytes);
int alloc_give_end(struct alloc *a, uint64_t offset, uint64_t dirty_lo, uint64_t dirty_hi);

/* The bytes of the taken block that starts at offset; 0 when none does. */
uint64_t alloc_size(const struct alloc *a, uint64_t offset);
/* Whether it consists of whole pages, which no other block shares. Those of a page or more do that
 * alloc_take() has taken; of those that were restored some may be of another zone, with smaller pages. */
int alloc_owns_pages(const struct alloc *a, uint64_t offset);

/* Whether the taken block at offset shares no page with another one that is taken. */
int alloc_is_alone(const struct alloc *a, uint64_t offset);

/* The taken block next to an offset, on either side, that is in none: 0, or -ENOENT when there is no
 * block. Looks at all. */
int alloc_nearest(const struct alloc *a, uint64_t offset, uint64_t *at, uint64_t *bytes);

/* From now on no place is handed out that fits() does not find room for. */
void alloc_bound(struct alloc *a, int (*fits)(void *ctx, uint64_t offset, uint64_t bytes),
                 void *ctx);

/* All blocks, in the order of their places; of one that is leaving, what it will be. */
struct alloc_saved {
	uint64_t offset, bytes, dirty_lo, dirty_hi;
	int taken;
	uint32_t leaving; /* given back in part: by whom, and 1; else 0 */
};
void alloc_each(const struct alloc *a, void (*fn)(void *ctx, const struct alloc_saved *block),
                void *ctx);
/* A fresh one gets these n blocks, which cover the range from its begin on; what is behind them is
 * free. -ENOMEM, -EINVAL: they are not such; then it may only be closed. */
int alloc_restore(struct alloc *a, const struct alloc_saved *block, uint64_t n);

/* Another allocator is to have the same blocks, one after the other (alloc_place.c). A place in this one's
 * is told by the taken block that is next beneath it: by that it is found at once. */
#define ALLOC_LOWEST UINT64_MAX /* there is none beneath */
uint64_t alloc_beneath(const struct alloc *a, uint64_t offset); /* of a taken block */
/* Takes these bytes, multiples of 16; what is dirty of them as in alloc_take(). -ENOMEM; -EINVAL: they are
 * not free, or beneath is not so. */
int alloc_take_at(struct alloc *a, uint64_t offset, uint64_t bytes, uint64_t beneath,
                  uint64_t *dirty_bytes);
/* The next of all blocks in the order of their places: 1; 0: there is none. *cursor is NULL at first; not
 * across changes. */
int alloc_next(const struct alloc *a, const void **cursor, struct alloc_saved *block);

struct alloc_stats {
	uint64_t taken_bytes, taken_blocks, free_bytes, largest_free, high_water;
};
void alloc_stats(const struct alloc *a, struct alloc_stats *out);
/* Invariants of the whole structure, for tests: 0, or -EINVAL. */
int alloc_check(const struct alloc *a);

#endif
