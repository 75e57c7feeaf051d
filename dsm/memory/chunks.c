/* SPDX-License-Identifier: BSD-2-Clause */
/* Registration of frames, by zones or by chunks. */
#include "dsm/memory/chunks.h"

#include <errno.h>
#include <sys/mman.h>

#include "dsm/memory/mm.h"
#include "transport/transport.h"

static uint32_t chunk_pages(enum region_zone_kind kind)
{
	return kind == REGION_PTE ? REGION_EXTENT_PAGES : 1;
}

uint32_t chunks_pages(const struct chunks *c, enum region_zone_kind kind)
{
	return c->pinned ? chunk_pages(kind) : 1;
}

static uint64_t chunk_count(const struct chunks *c, enum region_zone_kind kind)
{
	return (c->region->zone[kind].count + chunk_pages(kind) - 1) / chunk_pages(kind);
}

static enum region_zone_kind kind_of(const struct chunks *c, uint64_t page)
{
	return region_zone_of(c->region, page) == &c->region->zone[REGION_PMD] ? REGION_PMD
	                                                                      : REGION_PTE;
}

static struct tr_mem **chunk_at(const struct chunks *c, uint64_t page)
{
	enum region_zone_kind kind = kind_of(c, page);

	return &c->chunk[kind][(page - c->region->zone[kind].first) / chunk_pages(kind)];
}

static int open_zone(struct chunks *c, enum region_zone_kind kind)
{
	const struct region_zone *zone = &c->region->zone[kind];
	uint64_t bytes = zone->count * zone->page_bytes;
	void *at = NULL;
	int rc;

	if (!c->pinned) {
		rc = c->tr->ops->mem_register(c->tr, zone->alias, bytes, &c->whole[kind]);
		c->registered_bytes += rc ? 0 : bytes;
		return rc;
	}
	rc = mm_map(NULL, chunk_count(c, kind) * sizeof *c->chunk[kind], PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &at);
	c->chunk[kind] = at;
	return rc;
}

void chunks_init(struct chunks *c, struct region *region, struct tr *tr, int by_chunk)
{
	*c = (struct chunks){.region = region,
	                     .tr = tr,
	                     .pinned = by_chunk || tr->ops->pins_memory(tr)};
}

int chunks_open(struct chunks *c)
{
	int rc = 0;

	for (int kind = 0; kind < REGION_ZONES && rc == 0; kind++)
		if (c->region->zone[kind].count)
			rc = open_zone(c, kind);
	return rc;
}

void chunks_close(struct chunks *c)
{
	for (int kind = 0; kind < REGION_ZONES; kind++)
		if (c->chunk[kind])
			mm_unmap(c->chunk[kind], chunk_count(c, kind) * sizeof *c->chunk[kind]);
	*c = (struct chunks){0};
}

/* The first of the chunk's pages; how many there are: the zone's last chunk may be short. */
static uint64_t chunk_bounds(const struct chunks *c, uint64_t page, uint32_t *n)
{
	enum region_zone_kind kind = kind_of(c, page);
	const struct region_zone *zone = &c->region->zone[kind];
	uint64_t first = page - (page - zone->first) % chunk_pages(kind);
	uint64_t left = zone->first + zone->count - first;

	*n = left < chunk_pages(kind) ? left : chunk_pages(kind);
	return first;
}

/* The whole chunk is pinned, so all of it gets its memory first, where a lack of it is an
 * error like any other. */
static int register_chunk(struct chunks *c, uint64_t page, struct tr_mem **out)
{
	size_t page_bytes = region_zone_of(c->region, page)->page_bytes;
	uint32_t n;
	uint64_t first = chunk_bounds(c, page, &n);
	int rc = region_frame_prepare(c->region, first, n);

	if (rc == 0)
		rc = c->tr->ops->mem_register(c->tr, region_frame_at(c->region, first),
		                              n * page_bytes, out);
	if (rc == 0)
		c->registered_bytes += n * page_bytes;
	return rc;
}

int chunks_mem(struct chunks *c, uint64_t first, uint32_t n, struct tr_mem **out)
{
	struct tr_mem **chunk;
	int rc = 0;

	if (!c->pinned) {
		*out = c->whole[kind_of(c, first)];
		return 0;
	}
	chunk = chunk_at(c, first);
	if (chunk_at(c, first + n - 1) != chunk)
		return -EINVAL;
	if (!*chunk)
		rc = register_chunk(c, first, chunk);
	if (rc == 0)
		*out = *chunk;
	return rc;
}

void chunks_release(struct chunks *c, uint64_t page)
{
	struct tr_mem **chunk = c->pinned ? chunk_at(c, page) : NULL;
	uint32_t n;

	if (!chunk || !*chunk)
		return;
	c->tr->ops->mem_release(*chunk);
	*chunk = NULL;
	chunk_bounds(c, page, &n);
	c->registered_bytes -= n * region_zone_of(c->region, page)->page_bytes;
}
