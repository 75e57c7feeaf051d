/* SPDX-License-Identifier: BSD-2-Clause */
/* Free blocks of the allocator by size: classes, and the lists of each. */
#include "dsm/heap/alloc_state.h"

/* The class that a free block of this size is kept in. */
struct class alloc_class_of(uint64_t size)
{
	uint64_t units = size / GRANULE;
	unsigned msb;

	if (units < SL_COUNT)
		return (struct class){ 0, (unsigned)units };
	msb = 63u - (unsigned)__builtin_clzll(units);
	return (struct class){ msb - SL_BITS + 1, (unsigned)(units >> (msb - SL_BITS)) - SL_COUNT };
}

/* The lowest class in which every block has at least this size. */
struct class alloc_class_above(uint64_t size)
{
	uint64_t units = size / GRANULE;
	unsigned msb;

	if (units < SL_COUNT)
		return alloc_class_of(size);
	msb = 63u - (unsigned)__builtin_clzll(units);
	return alloc_class_of((units + (1ull << (msb - SL_BITS)) - 1) * GRANULE);
}

/* The first class from *c on that has a block: its list, and *c set to it; or NULL. */
struct block *alloc_bin_from(const struct alloc *a, struct class *c)
{
	uint64_t fls;
	uint32_t sls;

	if (c->fl >= FL_COUNT)
		return NULL;
	sls = c->sl < SL_COUNT ? a->sl_map[c->fl] & (~0u << c->sl) : 0;
	if (!sls) {
		fls = a->fl_map & (~0ull << 1 << c->fl);
		if (!fls)
			return NULL;
		c->fl = (unsigned)__builtin_ctzll(fls);
		sls = a->sl_map[c->fl];
	}
	c->sl = (unsigned)__builtin_ctz(sls);
	return a->bin[c->fl][c->sl];
}

void alloc_bin_add(struct alloc *a, struct block *b)
{
	struct class c = alloc_class_of(b->size);
	struct block **head = &a->bin[c.fl][c.sl];

	b->prev = NULL;
	b->next = *head;
	if (*head)
		(*head)->prev = b;
	*head = b;
	a->sl_map[c.fl] |= 1u << c.sl;
	a->fl_map |= 1ull << c.fl;
	a->stats.free_bytes += b->size;
}

void alloc_bin_remove(struct alloc *a, struct block *b)
{
	struct class c = alloc_class_of(b->size);

	if (b->next)
		b->next->prev = b->prev;
	if (b->prev)
		b->prev->next = b->next;
	else
		a->bin[c.fl][c.sl] = b->next;
	b->prev = b->next = NULL;
	if (!a->bin[c.fl][c.sl]) {
		a->sl_map[c.fl] &= ~(1u << c.sl);
		if (!a->sl_map[c.fl])
			a->fl_map &= ~(1ull << c.fl);
	}
	a->stats.free_bytes -= b->size;
}
