/* SPDX-License-Identifier: BSD-2-Clause */
/* All blocks of an allocator, for another one that is to have the same. */
#include "dsm/heap/alloc_state.h"

#include <errno.h>
#include <stdlib.h>

static void fill(const struct block *b, struct alloc_saved *s)
{
	*s = (struct alloc_saved){.offset = b->offset, .bytes = b->size,
	                          .taken = b->taken && !b->leaving, .leaving = b->leaving,
	                          .dirty_lo = b->offset, .dirty_hi = b->offset};
	if (b->leaving) {
		s->dirty_hi = b->offset + b->size;
	} else if (!b->taken) {
		s->dirty_lo = b->dirty_lo;
		s->dirty_hi = b->dirty_hi;
	}
}

int alloc_next(const struct alloc *a, const void **cursor, struct alloc_saved *block)
{
	const struct block *b = *cursor;

	b = b ? b->above : a->lowest;
	if (!b)
		return 0;
	fill(b, block);
	*cursor = b;
	return 1;
}

void alloc_each(const struct alloc *a, void (*fn)(void *ctx, const struct alloc_saved *block),
                void *ctx)
{
	const void *cursor = NULL;
	struct alloc_saved s;

	while (alloc_next(a, &cursor, &s))
		fn(ctx, &s);
}

static int is_sound(const struct alloc *a, const struct alloc_saved *s, uint64_t offset)
{
	return s->offset == offset && s->bytes && s->bytes % GRANULE == 0 &&
	       s->bytes <= a->bytes - offset && s->dirty_lo >= offset &&
	       s->dirty_lo <= s->dirty_hi && s->dirty_hi <= offset + s->bytes;
}

static uint64_t end_of(const struct block *b)
{
	return b ? b->offset + b->size : 0;
}

/* Puts it above the highest; what is free joins what is free below it. */
static int append(struct alloc *a, struct block **highest, const struct alloc_saved *s)
{
	struct block *b = *highest;

	if (b && !b->taken && !s->taken) {
		const uint64_t lo = b->dirty_lo < b->dirty_hi ? b->dirty_lo : s->dirty_lo;
		const uint64_t hi = s->dirty_lo < s->dirty_hi ? s->dirty_hi : b->dirty_hi;

		b->size += s->bytes;
		alloc_set_dirty(b, lo, hi);
		return 0;
	}
	b = calloc(1, sizeof *b);
	if (!b)
		return -ENOMEM;
	b->offset = s->offset;
	b->size = s->bytes;
	b->taken = s->taken;
	b->below = *highest;
	*(*highest ? &(*highest)->above : &a->lowest) = b;
	*highest = b;
	if (!b->taken) {
		alloc_set_dirty(b, s->dirty_lo, s->dirty_hi);
		return 0;
	}
	alloc_set_dirty(b, b->offset, b->offset);
	a->mixed |= b->size >= a->page_bytes && (b->offset | b->size) & (a->page_bytes - 1);
	HASH_ADD(hh, a->by_offset, offset, sizeof b->offset, b);
	if (!b->hh.tbl)
		return -ENOMEM;
	a->stats.taken_bytes += b->size;
	a->stats.taken_blocks++;
	return 0;
}

int alloc_restore(struct alloc *a, const struct alloc_saved *block, uint64_t n)
{
	struct alloc_saved rest;
	struct block *highest = NULL;
	int rc = 0;

	alloc_bin_remove(a, a->lowest);
	free(a->lowest);
	a->lowest = NULL;
	for (uint64_t i = 0; i < n && rc == 0; i++)
		rc = is_sound(a, &block[i], end_of(highest)) ? append(a, &highest, &block[i])
		                                             : -EINVAL;
	rest = (struct alloc_saved){.offset = end_of(highest),
	                            .bytes = a->bytes - end_of(highest),
	                            .dirty_lo = end_of(highest), .dirty_hi = end_of(highest)};
	if (rc == 0 && rest.bytes)
		rc = append(a, &highest, &rest);
	if (rc)
		return rc;
	for (struct block *b = a->lowest; b; b = b->above) {
		if (!b->taken)
			alloc_bin_add(a, b);
		a->stats.high_water = max_u64(a->stats.high_water,
		                              b->taken ? end_of(b) : b->dirty_hi > b->dirty_lo
		                                                             ? b->dirty_hi : 0);
	}
	return 0;
}
