/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be handed out of each zone: what the budgets of all homes have room for. At who serves, and his deputy. */
#include "dsm/heap/services.h"

_Static_assert(HEAP_KEEP2 == SERVED_KEEP2, "a kind is a zone of what is served");

/* --- where they are --- */

const struct region_zone *heap_zone(const struct dsm *d, unsigned kind)
{
	return &d->memory.region.zone[kind == HEAP_KEEP2 ? REGION_PTE : kind];
}

uint64_t heap_zone_offset(const struct dsm *d, unsigned kind)
{
	return kind == HEAP_KEEP2 ? d->engine.cfg.secure_first * REGION_PTE_BYTES : 0;
}

/* In pages of its own. */
static uint64_t count(const struct dsm *d, unsigned kind)
{
	const uint64_t secure = d->engine.cfg.secure_pages;

	if (kind == HEAP_KEEP2)
		return secure;
	return d->memory.region.zone[kind].count - (kind == REGION_PTE ? secure : 0);
}

uint64_t heap_zone_bytes(const struct dsm *d, unsigned kind)
{
	return count(d, kind) * heap_zone(d, kind)->page_bytes;
}

/* --- what there is room for --- */

/* Of its budget a home has so much for pages of a kind as the other kinds leave. */
static uint64_t most_pages(void *ctx, coh_node node)
{
	const struct bound *b = ctx;
	const struct room *room = b->d->heap->mirror.served.room;
	const struct budget *budget = &b->d->memory.budgets[node];
	uint64_t page_bytes[REGION_ZONES], bytes, other = 0;

	for (int i = 0; i < REGION_ZONES; i++)
		page_bytes[i] = b->d->memory.region.zone[i].page_bytes;
	if (b->kind == REGION_PMD && !budget->both)
		return UINT64_MAX; /* all of it is set aside */
	bytes = budget_home_bytes(&b->d->engine.cfg, budget, page_bytes);
	for (unsigned kind = 0; kind < SERVED_ZONES; kind++)
		if (kind != b->kind && room[kind].used && (kind != REGION_PMD || budget->both))
			other += room[kind].used[node] * room[kind].page_bytes;
	return bytes > other ? (bytes - other) / room[b->kind].page_bytes : 0;
}

static int fits(void *ctx, uint64_t offset, uint64_t bytes)
{
	struct bound *b = ctx;

	return room_fits(&b->d->heap->mirror.served.room[b->kind], offset, bytes, most_pages, b);
}

uint64_t heap_zone_enough(struct dsm *d, unsigned kind)
{
	const unsigned zone = kind == HEAP_KEEP2 ? REGION_PTE : kind;
	const struct room *room = &d->heap->mirror.served.room[!zone];
	uint64_t page_bytes[REGION_ZONES], other = 0, pages;

	for (int i = 0; i < REGION_ZONES; i++)
		page_bytes[i] = d->memory.region.zone[i].page_bytes;
	for (coh_node i = 0; i < d->engine.cfg.nodes && room->used; i++)
		other += room->used[i];
	pages = budget_limit(&d->engine.cfg, d->memory.budgets, page_bytes, zone, other);
	if (kind == HEAP_KEEP2)
		pages /= 2;
	return pages < count(d, kind) ? pages * page_bytes[zone] : 0;
}

static int open(struct dsm *d, unsigned kind)
{
	const struct region_zone *zone = heap_zone(d, kind);
	const int twice = kind == HEAP_KEEP2;
	struct served *s = &d->heap->mirror.served;
	struct bound *bound = &d->heap->bound[kind];
	int rc = room_open_part(&s->room[kind], &d->engine.cfg, twice ? REGION_PTE : kind, zone->page_bytes,
	                        heap_zone_offset(d, kind) / zone->page_bytes, count(d, kind), twice);

	if (rc == 0)
		rc = alloc_open((uintptr_t)zone->window + heap_zone_offset(d, kind),
		                heap_zone_bytes(d, kind), zone->page_bytes, &s->alloc[kind]);
	if (rc)
		return rc;
	*bound = (struct bound){.d = d, .kind = kind};
	alloc_bound(s->alloc[kind], fits, bound);
	return 0;
}

int heap_zones_open(struct dsm *d)
{
	int rc = 0;

	for (unsigned kind = 0; kind < SERVED_ZONES && rc == 0; kind++)
		if (count(d, kind))
			rc = open(d, kind);
	return rc;
}
