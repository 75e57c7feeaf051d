/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two-level segregated fit over a range of offsets.
 *
 * The bins are those of TLSF (M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a New
 * Dynamic Memory Allocator for Real-Time Systems", ECRTS 2004): a size class is a power
 * of two (first level) cut into equal parts (second level), two bitmaps find the next
 * class that is not empty. TLSF keeps its headers in the memory it manages; that would
 * put them into shared pages, so here every block has a descriptor in private memory,
 * and a hash finds the descriptor of an offset that is given back. Nothing grows with
 * the range, only with the number of blocks.
 *
 * Beyond TLSF: when no class is sure to hold the request, all blocks that might are
 * tried, so that -ENOMEM means that no free block can hold it.
 */
#include "dsm/heap/alloc_state.h"

#include <errno.h>
#include <stdlib.h>

#define FIT_TRIES 8u /* blocks of one class looked at for a good alignment */

/* The first aligned place in a block, were it long enough. */
static uint64_t start_in(const struct alloc *a, const struct block *b, uint64_t align)
{
	return round_up(a->base + b->offset, align) - a->base;
}

static int block_fits(const struct alloc *a, const struct block *b, uint64_t size, uint64_t align)
{
	uint64_t start = start_in(a, b, align), end = b->offset + b->size;

	return start <= end && end - start >= size &&
	       (!a->fits || a->fits(a->fits_ctx, start, size));
}

static struct block *find_in_list(const struct alloc *a, struct block *b, uint64_t size,
                                  uint64_t align, unsigned tries)
{
	for (; b && tries; b = b->next, tries--)
		if (block_fits(a, b, size, align))
			return b;
	return NULL;
}

/* A free block that holds size bytes at this alignment, a small one if possible. */
static struct block *find(const struct alloc *a, uint64_t size, uint64_t align)
{
	struct class c = alloc_class_above(size);
	struct block *b = find_in_list(a, alloc_bin_from(a, &c), size, align, FIT_TRIES);

	if (b)
		return b;
	c = alloc_class_above(size + align - GRANULE);
	b = alloc_bin_from(a, &c);
	if (b && block_fits(a, b, size, align))
		return b;
	for (c = alloc_class_of(size); (b = alloc_bin_from(a, &c)); c.sl++) {
		b = find_in_list(a, b, size, align, ~0u);
		if (b)
			return b;
	}
	return NULL;
}

int alloc_open(uint64_t base, uint64_t bytes, uint64_t page_bytes, struct alloc **out)
{
	struct alloc *a;
	int err;

	if (page_bytes < GRANULE || page_bytes & (page_bytes - 1) || !bytes || bytes % page_bytes ||
	    bytes > UINT64_MAX / 4 || base % page_bytes || base > UINT64_MAX / 4)
		return -EINVAL;
	a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	a->base = base;
	a->bytes = bytes;
	a->page_bytes = page_bytes;
	err = alloc_spares_fill(a);
	if (err)
		goto err_close;
	a->lowest = alloc_spare_take(a);
	a->lowest->size = bytes;
	alloc_bin_add(a, a->lowest);
	*out = a;
	return 0;

err_close:
	alloc_close(a);
	return err;
}

void alloc_close(struct alloc *a)
{
	struct block *b, *next;

	if (!a)
		return;
	HASH_CLEAR(hh, a->by_offset);
	for (b = a->lowest; b; b = next) {
		next = b->above;
		free(b);
	}
	for (b = a->spare; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

/* Enters a block that is to be taken at start into the hash, before anything else. */
static int hash_add(struct alloc *a, struct block *b, uint64_t start)
{
	uint64_t offset = b->offset;

	b->offset = start;
	HASH_ADD(hh, a->by_offset, offset, sizeof b->offset, b);
	b->offset = offset;
	return b->hh.tbl ? 0 : -ENOMEM;
}

int alloc_carve(struct alloc *a, struct block *b, uint64_t start, uint64_t size)
{
	if (alloc_spares_fill(a) || hash_add(a, b, start))
		return -ENOMEM;
	alloc_bin_remove(a, b);
	if (start > b->offset)
		alloc_split_below(a, b, start - b->offset);
	if (b->size > size)
		alloc_split_above(a, b, size);
	b->taken = 1;
	a->stats.taken_bytes += size;
	a->stats.taken_blocks++;
	a->stats.high_water = max_u64(a->stats.high_water, start + size);
	alloc_set_dirty(b, b->dirty_lo, b->dirty_hi);
	return 0;
}

int alloc_take(struct alloc *a, uint64_t bytes, uint64_t align, uint64_t *offset,
               uint64_t *dirty_bytes)
{
	uint64_t size, start;
	struct block *b;

	if (!bytes || align & (align - 1) || align > a->bytes)
		return -EINVAL;
	if (bytes > a->bytes)
		return -ENOMEM;
	align = max_u64(align, GRANULE);
	size = round_up(bytes, GRANULE);
	if (size >= a->page_bytes || align >= a->page_bytes) {
		/* whole pages, which no other block shares */
		align = max_u64(align, a->page_bytes);
		size = round_up(bytes, a->page_bytes);
	}
	b = find(a, size, align);
	if (!b)
		return -ENOMEM;
	start = start_in(a, b, align);
	if (alloc_carve(a, b, start, size))
		return -ENOMEM;
	*offset = start;
	*dirty_bytes = min_u64(b->dirty_hi - start, bytes);
	return 0;
}

struct block *alloc_taken_at(const struct alloc *a, uint64_t offset)
{
	struct block *b;

	HASH_FIND(hh, a->by_offset, &offset, sizeof offset, b);
	return b;
}

/* The block is free, and [dirty_lo, dirty_hi) of it dirty. */
static void give(struct alloc *a, struct block *b, uint64_t dirty_lo, uint64_t dirty_hi)
{
	HASH_DELETE(hh, a->by_offset, b);
	a->stats.taken_bytes -= b->size;
	a->stats.taken_blocks--;
	b->taken = 0;
	b->leaving = 0;
	alloc_set_dirty(b, dirty_lo, dirty_hi);
	if (b->above && !b->above->taken) {
		alloc_bin_remove(a, b->above);
		alloc_join_above(a, b);
	}
	if (b->below && !b->below->taken) {
		b = b->below;
		alloc_bin_remove(a, b);
		alloc_join_above(a, b);
	}
	alloc_bin_add(a, b);
}

int alloc_give(struct alloc *a, uint64_t offset)
{
	struct block *b = alloc_taken_at(a, offset);

	if (!b || b->leaving)
		return -EINVAL;
	give(a, b, offset, offset + b->size);
	return 0;
}

int alloc_give_begin(struct alloc *a, uint64_t offset, uint16_t by, uint64_t *bytes)
{
	struct block *b = alloc_taken_at(a, offset);

	if (!b || b->leaving)
		return -EINVAL;
	b->leaving = by + 1u;
	*bytes = b->size;
	return 0;
}

int alloc_give_end(struct alloc *a, uint64_t offset, uint64_t dirty_lo, uint64_t dirty_hi)
{
	struct block *b = alloc_taken_at(a, offset);

	if (!b || !b->leaving)
		return -EINVAL;
	give(a, b, dirty_lo, dirty_hi);
	return 0;
}

uint64_t alloc_size(const struct alloc *a, uint64_t offset)
{
	const struct block *b = alloc_taken_at(a, offset);

	return b ? b->size : 0;
}

int alloc_owns_pages(const struct alloc *a, uint64_t offset)
{
	const struct block *b = alloc_taken_at(a, offset);

	return b && !((b->offset | b->size) & (a->page_bytes - 1));
}

int alloc_is_alone(const struct alloc *a, uint64_t offset)
{
	const struct block *b = alloc_taken_at(a, offset);
	uint64_t lo = offset & ~(a->page_bytes - 1), hi;

	if (!b)
		return 0;
	hi = round_up(offset + b->size, a->page_bytes);
	return (offset == lo || (!b->below->taken && b->below->offset <= lo)) &&
	       (offset + b->size == hi ||
	        (!b->above->taken && b->above->offset + b->above->size >= hi));
}

static uint64_t distance(const struct block *b, uint64_t offset)
{
	if (offset < b->offset)
		return b->offset - offset;
	return offset < b->offset + b->size ? 0 : offset - (b->offset + b->size);
}

int alloc_nearest(const struct alloc *a, uint64_t offset, uint64_t *at, uint64_t *bytes)
{
	const struct block *best = NULL;

	for (const struct block *b = a->lowest; b; b = b->above)
		if (b->taken && !b->leaving &&
		    (!best || distance(b, offset) < distance(best, offset)))
			best = b;
	if (!best)
		return -ENOENT;
	*at = best->offset;
	*bytes = best->size;
	return 0;
}

void alloc_bound(struct alloc *a, int (*fits)(void *ctx, uint64_t offset, uint64_t bytes),
                 void *ctx)
{
	a->fits = fits;
	a->fits_ctx = ctx;
}
