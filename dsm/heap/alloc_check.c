/* SPDX-License-Identifier: BSD-2-Clause */
/* What the allocator has, and whether all of it goes together. */
#include "dsm/heap/alloc_state.h"

#include <errno.h>

void alloc_stats(const struct alloc *a, struct alloc_stats *out)
{
	const struct block *b = NULL;
	struct class top;

	*out = a->stats;
	out->largest_free = 0;
	if (a->fl_map) {
		top.fl = 63u - (unsigned)__builtin_clzll(a->fl_map);
		top.sl = 31u - (unsigned)__builtin_clz(a->sl_map[top.fl]);
		b = a->bin[top.fl][top.sl];
	}
	for (; b; b = b->next)
		out->largest_free = max_u64(out->largest_free, b->size);
}

/* What must hold for one block and its neighbours. */
static int block_is_sound(const struct alloc *a, const struct block *b, uint64_t expected_offset)
{
	const struct block *found;

	if (b->offset != expected_offset || !b->size || b->size % GRANULE || b->offset % GRANULE ||
	    b->size > a->bytes - b->offset)
		return 0;
	if (b->above ? b->above->below != b : b->offset + b->size != a->bytes)
		return 0;
	HASH_FIND(hh, a->by_offset, &b->offset, sizeof b->offset, found);
	if (b->taken)
		return found == b && (a->mixed || b->size < a->page_bytes ||
		                      !((b->offset | b->size) & (a->page_bytes - 1)));
	if (found || (b->above && !b->above->taken))
		return 0;
	return b->dirty_lo >= b->offset && b->dirty_lo <= b->dirty_hi &&
	       b->dirty_hi <= b->offset + b->size &&
	       b->dirty_hi <= max_u64(a->stats.high_water, b->offset);
}

/* Every list holds free blocks of its class only, and the bitmaps tell which are empty.
 * Returns the number of blocks, or -1. */
static int64_t bins_count(const struct alloc *a)
{
	const struct block *b, *prev;
	int64_t count = 0;

	for (unsigned fl = 0; fl < FL_COUNT; fl++) {
		if (!!a->sl_map[fl] != (a->fl_map >> fl & 1))
			return -1;
		for (unsigned sl = 0; sl < SL_COUNT; sl++) {
			if (!!a->bin[fl][sl] != (a->sl_map[fl] >> sl & 1))
				return -1;
			prev = NULL;
			for (b = a->bin[fl][sl]; b; prev = b, b = b->next, count++) {
				struct class c = alloc_class_of(b->size);

				if (b->taken || c.fl != fl || c.sl != sl || b->prev != prev)
					return -1;
			}
		}
	}
	return count;
}

int alloc_check(const struct alloc *a)
{
	uint64_t offset = 0, taken = 0, taken_blocks = 0, free_bytes = 0;
	int64_t free_blocks = 0;

	for (const struct block *b = a->lowest; b; b = b->above) {
		if (!block_is_sound(a, b, offset))
			return -EINVAL;
		offset += b->size;
		taken += b->taken ? b->size : 0;
		free_bytes += b->taken ? 0 : b->size;
		taken_blocks += b->taken;
		free_blocks += !b->taken;
	}
	if (offset != a->bytes || bins_count(a) != free_blocks ||
	    HASH_COUNT(a->by_offset) != taken_blocks || a->stats.taken_blocks != taken_blocks ||
	    a->stats.taken_bytes != taken || a->stats.free_bytes != free_bytes)
		return -EINVAL;
	return 0;
}
