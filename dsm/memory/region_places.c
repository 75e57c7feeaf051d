/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where pages are in the window, and which page is where. Nearly always that is a subtraction; a
 * place is a run of pages that are at another address of this process instead.
 */
#include <errno.h>

#include "dsm/memory/mm.h"
#include "dsm/memory/region.h"

/* Acquire pairs with the release in region_place(): a place that is counted is complete. */
static uint32_t places(const struct region *region)
{
	return __atomic_load_n(&region->places, __ATOMIC_ACQUIRE);
}

/* The place that a page is in, or NULL. */
static const struct region_place *place_of(const struct region *region, uint64_t page)
{
	for (uint32_t i = 0, n = places(region); i < n; i++)
		if (page - region->place[i].first < region->place[i].count)
			return &region->place[i];
	return NULL;
}

/* The place that all of [addr, addr+bytes) is in, or NULL. */
static const struct region_place *place_at(const struct region *region, const void *addr,
                                           size_t bytes)
{
	for (uint32_t i = 0, n = places(region); i < n; i++) {
		const struct region_place *place = &region->place[i];
		const uint64_t at = (uintptr_t)addr - (uintptr_t)place->at;
		const uint64_t len = place->count * REGION_PTE_BYTES;

		if (at < len && bytes <= len - at)
			return place;
	}
	return NULL;
}

/* The zone of whose part of the window all of [ptr, ptr+bytes) is, or -1. */
static int zone_at(const struct region *region, const void *ptr, size_t bytes)
{
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const struct region_zone *zone = &region->zone[kind];
		const uint64_t len = zone->count * zone->page_bytes;
		const uint64_t at = (uintptr_t)ptr - (uintptr_t)zone->window;

		if (zone->count && at < len && bytes <= len - at)
			return kind;
	}
	return -1;
}

static uint64_t page_in(const struct region_zone *zone, const void *addr)
{
	return zone->first + ((uintptr_t)addr - (uintptr_t)zone->window) / zone->page_bytes;
}

int64_t region_page_of(const struct region *region, const void *addr)
{
	const int kind = zone_at(region, addr, 1);
	const struct region_place *place;

	if (kind >= 0) {
		const uint64_t page = page_in(&region->zone[kind], addr);

		return place_of(region, page) ? -1 : (int64_t)page;
	}
	place = place_at(region, addr, 1);
	return place ? (int64_t)(place->first + ((uintptr_t)addr - (uintptr_t)place->at) /
	                                                REGION_PTE_BYTES)
	             : -1;
}

int region_kind_of(const struct region *region, const void *ptr, size_t bytes)
{
	const int kind = zone_at(region, ptr, bytes);

	if (kind < 0)
		return place_at(region, ptr, bytes) ? REGION_PTE : -1;
	if (places(region)) {
		const struct region_zone *zone = &region->zone[kind];
		const uint64_t first = page_in(zone, ptr);
		const uint64_t last = bytes ? page_in(zone, (const uint8_t *)ptr + bytes - 1) : first;

		if (region_is_placed(region, first, last - first + 1))
			return -1;
	}
	return kind;
}

uint64_t region_offset_of(const struct region *region, const void *addr)
{
	const struct region_place *place = place_at(region, addr, 1);

	if (!place)
		return (uintptr_t)addr - (uintptr_t)region->window;
	return (uintptr_t)region->zone[REGION_PTE].window - (uintptr_t)region->window +
	       place->first * REGION_PTE_BYTES + ((uintptr_t)addr - (uintptr_t)place->at);
}

void *region_at_offset(const struct region *region, uint64_t offset)
{
	const int kind = zone_at(region, region->window + offset, 1);
	const struct region_place *place;
	uint64_t page;

	if (kind != REGION_PTE)
		return region->window + offset;
	page = page_in(&region->zone[kind], region->window + offset);
	place = place_of(region, page);
	return place ? place->at + (page - place->first) * REGION_PTE_BYTES +
	                               offset % REGION_PTE_BYTES
	             : region->window + offset;
}

void *region_window_at(const struct region *region, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(region, page);
	const struct region_place *place = place_of(region, page);

	if (place)
		return place->at + (page - place->first) * REGION_PTE_BYTES;
	return zone->window + (page - zone->first) * zone->page_bytes;
}

uint64_t region_run(const struct region *region, uint64_t first, uint64_t n)
{
	const struct region_zone *zone = region_zone_of(region, first);
	uint64_t end = zone->first + zone->count;

	for (uint32_t i = 0, count = places(region); i < count; i++) {
		const uint64_t from = region->place[i].first, to = from + region->place[i].count;

		if (from > first && from < end)
			end = from;
		if (from <= first && first < to)
			end = to;
	}
	return n < end - first ? n : end - first;
}

int region_is_placed(const struct region *region, uint64_t first, uint64_t n)
{
	for (uint32_t i = 0, count = places(region); i < count; i++) {
		const struct region_place *place = &region->place[i];

		if (place->first < first + n && first < place->first + place->count)
			return 1;
	}
	return 0;
}

int region_place(struct region *region, uint64_t first, uint64_t n, void *addr)
{
	const struct region_zone *zone = &region->zone[REGION_PTE];
	const uint32_t count = region->places;
	uint8_t *got;
	int r;

	if (count == REGION_PLACES_MAX)
		return -ENOSPC;
	r = region_map(addr, n * REGION_PTE_BYTES, zone->memfd, first * REGION_PTE_BYTES, &got);
	if (r)
		return r;
	region->place[count] = (struct region_place){ first, n, addr };
	/* Release: see places(). */
	__atomic_store_n(&region->places, count + 1, __ATOMIC_RELEASE);
	region_vacate(zone->window + first * REGION_PTE_BYTES, n * REGION_PTE_BYTES);
	return 0;
}
