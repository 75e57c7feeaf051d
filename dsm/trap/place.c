/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that are shown at another address, and all parts of the window that this makes. */
#include <errno.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/memory/memory.h"
#include "dsm/trap/base.h"

void base_each_part(struct base *base, int (*fn)(int fd, void *at, size_t len))
{
	const struct region *region = base->region;

	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const struct region_zone *zone = &region->zone[kind];

		if (zone->count)
			fn(base->fd, zone->window, zone->count * zone->page_bytes);
	}
	for (uint32_t i = 0; i < region->places; i++)
		fn(base->fd, region->place[i].at, region->place[i].count * REGION_PTE_BYTES);
}

/* What the access map says of the pages stays true: it may be more than the page tables have. */
int base_place(struct base *base, uint64_t first, uint64_t n, void *addr)
{
	int r = region_place(base->region, first, n, addr);

	if (!r)
		r = uffd_register(base->fd, addr, n * REGION_PTE_BYTES, BASE_MODES_WP);
	if (!r)
		r = base_zap(base_run(base, first, n));
	if (r)
		base_say(base, DSM_LOG_ERROR, "%llu pages cannot be mapped at %p: %s",
		         (unsigned long long)n, addr, strerror(-r));
	return r;
}
