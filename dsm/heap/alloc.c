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
#include "dsm/heap/alloc.h"

#include <errno.h>
#include <stdlib.h>

/* Out of memory is an error to report, not a reason to exit. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define GRANULE 16u
#define SL_BITS 5u
#define SL_COUNT (1u << SL_BITS)
#define FL_COUNT 56u  /* classes for 2^60 granules and less */
#define FIT_TRIES 8u  /* blocks of one class looked at for a good alignment */
#define SPARES 2u     /* descriptors that one take can need: what is left below and above */

/* A run of bytes, taken or free. All blocks together cover the range, in the order of
 * below and above; no two neighbours are both free. */
struct block {
	uint64_t offset, size;       /* multiples of GRANULE */
	uint64_t dirty_lo, dirty_hi; /* free: all bytes ever handed out lie in [lo, hi) */
	struct block *below, *above;
	struct block *prev, *next;   /* in the list of its class, free ones only */
	int taken;
	UT_hash_handle hh;           /* in by_offset, taken ones only */
};

struct alloc {
	uint64_t base, bytes, page_bytes;
	uint64_t limit; /* no block reaches beyond */
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

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The class that a free block of this size is kept in. */
static struct class class_of(uint64_t size)
{
	uint64_t units = size / GRANULE;
	unsigned msb;

	if (units < SL_COUNT)
		return (struct class){ 0, (unsigned)units };
	msb = 63u - (unsigned)__builtin_clzll(units);
	return (struct class){ msb - SL_BITS + 1, (unsigned)(units >> (msb - SL_BITS)) - SL_COUNT };
}

/* The lowest class in which every block has at least this size. */
static struct class class_above(uint64_t size)
{
	uint64_t units = size / GRANULE;
	unsigned msb;

	if (units < SL_COUNT)
		return class_of(size);
	msb = 63u - (unsigned)__builtin_clzll(units);
	return class_of((units + (1ull << (msb - SL_BITS)) - 1) * GRANULE);
}

/* The first class from *c on that has a block: its list, and *c set to it; or NULL. */
static struct block *bin_from(const struct alloc *a, struct class *c)
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

static void bin_add(struct alloc *a, struct block *b)
{
	struct class c = class_of(b->size);
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

static void bin_remove(struct alloc *a, struct block *b)
{
	struct class c = class_of(b->size);

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

static int spares_fill(struct alloc *a)
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

static struct block *spare_take(struct alloc *a)
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
static void block_set_dirty(struct block *b, uint64_t lo, uint64_t hi)
{
	lo = max_u64(lo, b->offset);
	hi = min_u64(hi, b->offset + b->size);
	b->dirty_lo = lo < hi ? lo : b->offset;
	b->dirty_hi = lo < hi ? hi : b->offset;
}

/* Joins a free block with the free block above it, which goes away. */
static void block_join_above(struct alloc *a, struct block *b)
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
	block_set_dirty(b, lo, hi);
	b->above = gone->above;
	if (b->above)
		b->above->below = b;
	block_release(a, gone);
}

/* The first aligned place in a block, were it long enough. */
static uint64_t start_in(const struct alloc *a, const struct block *b, uint64_t align)
{
	return round_up(a->base + b->offset, align) - a->base;
}

static int block_fits(const struct alloc *a, const struct block *b, uint64_t size, uint64_t align)
{
	uint64_t start = start_in(a, b, align), end = min_u64(b->offset + b->size, a->limit);

	return start <= end && end - start >= size;
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
	struct class c = class_above(size);
	struct block *b = find_in_list(a, bin_from(a, &c), size, align, FIT_TRIES);

	if (b)
		return b;
	c = class_above(size + align - GRANULE);
	b = bin_from(a, &c);
	if (b && block_fits(a, b, size, align))
		return b;
	for (c = class_of(size); (b = bin_from(a, &c)); c.sl++) {
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
	a->bytes = a->limit = bytes;
	a->page_bytes = page_bytes;
	err = spares_fill(a);
	if (err)
		goto err_close;
	a->lowest = spare_take(a);
	a->lowest->size = bytes;
	bin_add(a, a->lowest);
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

/* Makes the first size bytes of a block a free block of their own. */
static void split_below(struct alloc *a, struct block *b, uint64_t size)
{
	struct block *rest = spare_take(a);

	rest->offset = b->offset;
	rest->size = size;
	block_set_dirty(rest, b->dirty_lo, b->dirty_hi);
	rest->below = b->below;
	rest->above = b;
	if (rest->below)
		rest->below->above = rest;
	else
		a->lowest = rest;
	b->below = rest;
	b->offset += size;
	b->size -= size;
	bin_add(a, rest);
}

/* Makes all but the first size bytes of a block a free block of their own. */
static void split_above(struct alloc *a, struct block *b, uint64_t size)
{
	struct block *rest = spare_take(a);

	rest->offset = b->offset + size;
	rest->size = b->size - size;
	block_set_dirty(rest, b->dirty_lo, b->dirty_hi);
	rest->below = b;
	rest->above = b->above;
	if (rest->above)
		rest->above->below = rest;
	b->above = rest;
	b->size = size;
	bin_add(a, rest);
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
	if (!b || spares_fill(a))
		return -ENOMEM;
	start = start_in(a, b, align);
	if (hash_add(a, b, start))
		return -ENOMEM;
	bin_remove(a, b);
	if (start > b->offset)
		split_below(a, b, start - b->offset);
	if (b->size > size)
		split_above(a, b, size);
	b->taken = 1;
	a->stats.taken_bytes += size;
	a->stats.taken_blocks++;
	a->stats.high_water = max_u64(a->stats.high_water, start + size);
	*offset = start;
	block_set_dirty(b, b->dirty_lo, b->dirty_hi);
	*dirty_bytes = min_u64(b->dirty_hi - start, bytes);
	return 0;
}

int alloc_give(struct alloc *a, uint64_t offset)
{
	struct block *b;

	HASH_FIND(hh, a->by_offset, &offset, sizeof offset, b);
	if (!b)
		return -EINVAL;
	HASH_DELETE(hh, a->by_offset, b);
	a->stats.taken_bytes -= b->size;
	a->stats.taken_blocks--;
	b->taken = 0;
	block_set_dirty(b, b->offset, b->offset + b->size);
	if (b->above && !b->above->taken) {
		bin_remove(a, b->above);
		block_join_above(a, b);
	}
	if (b->below && !b->below->taken) {
		b = b->below;
		bin_remove(a, b);
		block_join_above(a, b);
	}
	bin_add(a, b);
	return 0;
}

uint64_t alloc_size(const struct alloc *a, uint64_t offset)
{
	const struct block *b;

	HASH_FIND(hh, a->by_offset, &offset, sizeof offset, b);
	return b ? b->size : 0;
}

void alloc_limit(struct alloc *a, uint64_t bytes)
{
	a->limit = bytes;
}

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
		return found == b && (b->size < a->page_bytes ||
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
				struct class c = class_of(b->size);

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
