/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages in use, by home. */
#include "dsm/heap/room.h"

#include <errno.h>
#include <stdlib.h>

#include "dsm/memory/memory.h"

static uint64_t map_bytes(const struct room *r)
{
	return (r->count + 63) / 64 * sizeof *r->in_use;
}

int room_open(struct room *r, const struct coh_config *homes, unsigned zone, uint64_t page_bytes)
{
	return room_open_part(r, homes, zone, page_bytes, 0, homes->zone[zone].count, 0);
}

int room_open_part(struct room *r, const struct coh_config *homes, unsigned zone, uint64_t page_bytes,
                   uint64_t first, uint64_t count, int twice)
{
	void *at = NULL;

	*r = (struct room){.homes = homes, .zone = zone, .page_bytes = page_bytes, .first = first,
	                   .count = count, .twice = twice};
	if (mm_map(NULL, map_bytes(r), PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &at))
		return -ENOMEM;
	r->in_use = at;
	r->used = calloc(homes->nodes, sizeof *r->used);
	r->need = calloc(homes->nodes, sizeof *r->need);
	return r->used && r->need ? 0 : -ENOMEM;
}

void room_close(struct room *r)
{
	if (r->in_use)
		mm_unmap(r->in_use, map_bytes(r));
	free(r->used);
	free(r->need);
	*r = (struct room){0};
}

/* Pages that have one home, or a part of these that lie in one word of the map. */
struct part {
	uint64_t first, end; /* of the room's */
	uint64_t *word, mask;
	coh_node home, second; /* the same, where each is in use once */
};

static struct part part_at(const struct room *r, uint64_t page, uint64_t end)
{
	const struct coh_zone *zone = &r->homes->zone[r->zone];
	const uint64_t first = zone->first + r->first;
	uint64_t block = coh_block_end(r->homes, first + page) - first;
	uint64_t word = page / 64 * 64 + 64;
	struct part p = {.first = page, .word = &r->in_use[page / 64]};

	p.end = end < block ? end : block;
	p.end = p.end < word ? p.end : word;
	p.mask = ~UINT64_C(0) >> (64 - (p.end - page)) << (page % 64);
	p.home = p.second = coh_home_of(r->homes, first + page);
	if (r->twice)
		p.second = coh_second_among(r->homes, UINT64_MAX, first + page);
	return p;
}

/* So many pages more, or less, are in use of those that hold the part. */
static void add(uint64_t *by_node, const struct part *p, uint64_t n)
{
	by_node[p->home] += n;
	if (p->second != p->home)
		by_node[p->second] += n;
}

static uint64_t first_page(const struct room *r, uint64_t offset)
{
	return offset / r->page_bytes;
}

static uint64_t end_page(const struct room *r, uint64_t offset, uint64_t bytes)
{
	return (offset + bytes + r->page_bytes - 1) / r->page_bytes;
}

int room_fits(struct room *r, uint64_t offset, uint64_t bytes,
              uint64_t (*most)(void *ctx, coh_node node), void *ctx)
{
	uint64_t end = end_page(r, offset, bytes), at = first_page(r, offset);
	int fits = 1;

	for (struct part p; at < end && fits; at = p.end) {
		uint64_t more;

		p = part_at(r, at, end);
		more = (unsigned)__builtin_popcountll(p.mask & ~*p.word);
		add(r->need, &p, more);
		fits = !more || (r->used[p.home] + r->need[p.home] <= most(ctx, p.home) &&
		                 r->used[p.second] + r->need[p.second] <= most(ctx, p.second));
	}
	end = at;
	for (at = first_page(r, offset); at < end;) {
		struct part p = part_at(r, at, end);

		r->need[p.home] = r->need[p.second] = 0;
		at = p.end;
	}
	return fits;
}

void room_take(struct room *r, uint64_t offset, uint64_t bytes)
{
	uint64_t end = end_page(r, offset, bytes);

	for (uint64_t at = first_page(r, offset); at < end;) {
		struct part p = part_at(r, at, end);

		add(r->used, &p, (unsigned)__builtin_popcountll(p.mask & ~*p.word));
		*p.word |= p.mask;
		at = p.end;
	}
}

static void give(struct room *r, uint64_t at, uint64_t end)
{
	while (at < end) {
		struct part p = part_at(r, at, end);

		add(r->used, &p, -(uint64_t)(unsigned)__builtin_popcountll(p.mask & *p.word));
		*p.word &= ~p.mask;
		at = p.end;
	}
}

void room_give(struct room *r, uint64_t offset, uint64_t bytes, uint64_t dirty_lo,
               uint64_t dirty_hi)
{
	uint64_t end = end_page(r, offset, bytes);

	if (dirty_lo >= dirty_hi)
		dirty_lo = dirty_hi = offset + bytes;
	give(r, first_page(r, offset), first_page(r, dirty_lo));
	give(r, end_page(r, dirty_hi, 0), end);
}

/* The first page from at on that is in use (or not); end if there is none. */
static uint64_t first_that_is(const struct room *r, uint64_t at, uint64_t end, int in_use)
{
	while (at < end) {
		const uint64_t word = in_use ? r->in_use[at / 64] : ~r->in_use[at / 64];
		const uint64_t left = word >> at % 64;

		if (left)
			return at + (unsigned)__builtin_ctzll(left) < end
			               ? at + (unsigned)__builtin_ctzll(left) : end;
		at = (at / 64 + 1) * 64;
	}
	return end;
}

int room_next(const struct room *r, uint64_t *lo, uint64_t *hi)
{
	const uint64_t end = end_page(r, *hi, 0);
	const uint64_t first = first_that_is(r, first_page(r, *lo), end, 1);
	const uint64_t next = first_that_is(r, first, end, 0);

	if (*lo >= *hi || first == end)
		return 0;
	*lo = *lo > first * r->page_bytes ? *lo : first * r->page_bytes;
	*hi = *hi < next * r->page_bytes ? *hi : next * r->page_bytes;
	return 1;
}
