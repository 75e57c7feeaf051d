/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of the allocator: their descriptors, and how they are split and joined. */
#include "dsm/heap/alloc_state.h"

#include <errno.h>
#include <stdlib.h>

#define SPARES 2u /* descriptors that one take can need: what is left below and above */

int alloc_spares_fill(struct alloc *a)
{
	struct block *b;

	for (; a->spares < SPARES; a->spares++) {
		b = malloc(sizeof *b);
		if (!b)
			return -ENOMEM;
		b->next = a->spare;
		a->spare = b;
	}
	return 0;
}

struct block *alloc_spare_take(struct alloc *a)
{
	struct block *b = a->spare;

	a->spare = b->next;
	a->spares--;
	*b = (struct block){ 0 };
	return b;
}

static void block_release(struct alloc *a, struct block *b)
{
	if (a->spares >= SPARES) {
		free(b);
		return;
	}
	b->next = a->spare;
	a->spare = b;
	a->spares++;
}

/* Sets what is dirty of a free block to the part of [lo, hi) that lies in it. */
void alloc_set_dirty(struct block *b, uint64_t lo, uint64_t hi)
{
	lo = max_u64(lo, b->offset);
	hi = min_u64(hi, b->offset + b->size);
	b->dirty_lo = lo < hi ? lo : b->offset;
	b->dirty_hi = lo < hi ? hi : b->offset;
}

/* Joins a free block with the free block above it, which goes away. */
void alloc_join_above(struct alloc *a, struct block *b)
{
	struct block *gone = b->above;
	uint64_t lo = b->dirty_lo, hi = b->dirty_hi;

	if (lo == hi) {
		lo = gone->dirty_lo;
		hi = gone->dirty_hi;
	} else if (gone->dirty_lo < gone->dirty_hi) {
		hi = gone->dirty_hi;
	}
	b->size += gone->size;
	alloc_set_dirty(b, lo, hi);
	b->above = gone->above;
	if (b->above)
		b->above->below = b;
	block_release(a, gone);
}

/* Makes the first size bytes of a block a free block of their own. */
void alloc_split_below(struct alloc *a, struct block *b, uint64_t size)
{
	struct block *rest = alloc_spare_take(a);

	rest->offset = b->offset;
	rest->size = size;
	alloc_set_dirty(rest, b->dirty_lo, b->dirty_hi);
	rest->below = b->below;
	rest->above = b;
	if (rest->below)
		rest->below->above = rest;
	else
		a->lowest = rest;
	b->below = rest;
	b->offset += size;
	b->size -= size;
	alloc_bin_add(a, rest);
}

/* Makes all but the first size bytes of a block a free block of their own. */
void alloc_split_above(struct alloc *a, struct block *b, uint64_t size)
{
	struct block *rest = alloc_spare_take(a);

	rest->offset = b->offset + size;
	rest->size = b->size - size;
	alloc_set_dirty(rest, b->dirty_lo, b->dirty_hi);
	rest->below = b;
	rest->above = b->above;
	if (rest->above)
		rest->above->below = rest;
	b->above = rest;
	b->size = size;
	alloc_bin_add(a, rest);
}
