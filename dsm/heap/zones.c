/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be handed out of each zone: what the budgets of all homes have room for. At rank 0. */
#include "dsm/heap/services.h"

/* Of its budget a home has so much for pages of a kind as the other kind leaves. */
static uint64_t most_pages(void *ctx, coh_node node)
{
	const struct bound *b = ctx;
	const struct heap *h = b->d->heap;
	const struct budget *budget = &b->d->memory.budgets[node];
	uint64_t page_bytes[REGION_ZONES], bytes, other;

	for (int i = 0; i < REGION_ZONES; i++)
		page_bytes[i] = b->d->memory.region.zone[i].page_bytes;
	if (b->kind == REGION_PMD && !budget->both)
		return UINT64_MAX; /* all of it is set aside */
	bytes = budget_home_bytes(&b->d->engine.cfg, budget, page_bytes);
	other = budget->both && h->room[!b->kind].used
	                ? h->room[!b->kind].used[node] * page_bytes[!b->kind] : 0;
	return bytes > other ? (bytes - other) / page_bytes[b->kind] : 0;
}

static int fits(void *ctx, uint64_t offset, uint64_t bytes)
{
	struct bound *b = ctx;

	return room_fits(&b->d->heap->room[b->kind], offset, bytes, most_pages, b);
}

uint64_t heap_zone_enough(struct dsm *d, unsigned kind)
{
	uint64_t page_bytes[REGION_ZONES], other = 0, pages;
	const struct room *room = &d->heap->room[!kind];

	for (int i = 0; i < REGION_ZONES; i++)
		page_bytes[i] = d->memory.region.zone[i].page_bytes;
	for (coh_node i = 0; i < d->engine.cfg.nodes && room->used; i++)
		other += room->used[i];
	pages = budget_limit(&d->engine.cfg, d->memory.budgets, page_bytes, kind, other);
	return pages < d->memory.region.zone[kind].count ? pages * page_bytes[kind] : 0;
}

int heap_zone_open(struct dsm *d, int kind)
{
	const struct region_zone *zone = &d->memory.region.zone[kind];
	struct heap *h = d->heap;
	int rc = room_open(&h->room[kind], &d->engine.cfg, (unsigned)kind, zone->page_bytes);

	if (rc == 0)
		rc = alloc_open((uintptr_t)zone->window, zone->count * zone->page_bytes,
		                zone->page_bytes, &h->alloc[kind]);
	if (rc)
		return rc;
	h->bound[kind] = (struct bound){.d = d, .kind = (unsigned)kind};
	alloc_bound(h->alloc[kind], fits, &h->bound[kind]);
	return 0;
}
