/* SPDX-License-Identifier: BSD-2-Clause */
/* Which pages have memory on them that was allocated, at rank 0 (check.h). */
#include "dsm/heap/check.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "dsm/heap/services.h"

/* A count of blocks for each page. Only what was touched takes memory. */
int heap_taken_open(struct dsm *d)
{
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const uint64_t pages = d->memory.region.zone[kind].count;
		void *got = NULL;
		if (!pages)
			continue;
		if (mm_map(NULL, pages * sizeof(uint32_t), PROT_READ | PROT_WRITE,
		           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &got))
			return -ENOMEM;
		d->heap->taken[kind] = got;
	}
	return 0;
}

void heap_taken_close(struct dsm *d)
{
	for (int kind = 0; kind < REGION_ZONES; kind++)
		if (d->heap->taken[kind])
			mm_unmap(d->heap->taken[kind],
			         d->memory.region.zone[kind].count * sizeof(uint32_t));
}

void heap_taken(struct dsm *d, unsigned kind, uint64_t offset, uint64_t bytes, int change)
{
	const uint64_t page_bytes = d->memory.region.zone[kind].page_bytes;
	uint32_t *taken = d->heap->taken[kind];

	if (!taken || !bytes)
		return;
	for (uint64_t page = offset / page_bytes; page <= (offset + bytes - 1) / page_bytes; page++)
		taken[page] += (uint32_t)change;
}

/* --- which block has which name --- */

struct wanted {
	uint64_t offset;
	char name[COH_NAME_MAX + 1];
};

static void on_name(void *ctx, const char *name, uint64_t offset)
{
	struct wanted *w = ctx;

	/* Of several the first in the alphabet. */
	if (offset == w->offset && (!*w->name || strcmp(name, w->name) < 0))
		strncpy(w->name, name, COH_NAME_MAX);
}

static struct wanted name_of(struct dsm *d, uint64_t offset)
{
	struct wanted w = { .offset = offset };

	names_each(d->heap->mirror.served.names, on_name, &w);
	return w;
}

/* --- serving --- */

/* By the window alone: pages of it may be elsewhere at this node. */
static int zone_of(const struct region *region, const uint8_t *at)
{
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const struct region_zone *zone = &region->zone[kind];

		if (zone->count && (uint64_t)(at - zone->window) < zone->count * zone->page_bytes)
			return kind;
	}
	return -1;
}

void heap_serve_where(struct dsm *d, uint16_t from, const struct coh_msg *m)
{
	const struct region *region = &d->memory.region;
	const uint8_t *at = region->window + m->svc.arg[0];
	const int kind = zone_of(region, at);
	const struct region_zone *zone = kind < 0 ? NULL : &region->zone[kind];
	uint64_t in_zone, base, block = 0, bytes = 0, name = 0;

	if (!zone || !d->heap->taken[kind]) { /* rank 0 does not check */
		heap_answer(d, from, m->slot, 0, 0, 0, 0);
		return;
	}
	in_zone = (uint64_t)(at - zone->window);
	base = (uint64_t)(zone->window - region->window);
	if (d->heap->taken[kind][in_zone / zone->page_bytes]) {
		heap_answer(d, from, m->slot, 0, 0, 0, 0);
		return;
	}
	if (alloc_nearest(d->heap->mirror.served.alloc[kind], in_zone, &block, &bytes) == 0)
		name = strlen(name_of(d, base + block).name);
	heap_answer(d, from, m->slot, -ENOENT, base + block, bytes, name);
}

/* arg: the block's offset in the region; which part of its name, as answers have room for. */
void heap_serve_name(struct dsm *d, uint16_t from, const struct coh_msg *m)
{
	const struct wanted w = name_of(d, m->svc.arg[0]);
	uint64_t word[3] = { 0 };
	const uint64_t part = m->svc.arg[1];

	if (part * sizeof word < strlen(w.name) && part <= sizeof w.name / sizeof word)
		memcpy(word, w.name + part * sizeof word,
		       strnlen(w.name + part * sizeof word, sizeof word));
	heap_answer(d, from, m->slot, 0, word[0], word[1], word[2]);
}
