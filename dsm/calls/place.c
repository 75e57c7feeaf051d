/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_place, dsm_region. */
#include "dsm/dsm_place.h"

#include <errno.h>

#include "dsm/node/node.h"

static int overlaps(const struct region *region, const void *addr, size_t bytes)
{
	const uintptr_t from = (uintptr_t)addr, to = from + bytes;
	const uintptr_t window = (uintptr_t)region->window;

	if (from < window + region->window_bytes && window < to)
		return 1;
	for (uint32_t i = 0; i < region->places; i++) {
		const uintptr_t at = (uintptr_t)region->place[i].at;

		if (from < at + region->place[i].count * REGION_PTE_BYTES && at < to)
			return 1;
	}
	return 0;
}

static int is_pinned(const struct dsm *d, uint64_t first, uint64_t n)
{
	for (uint64_t page = first; page < first + n; page++)
		if (pins_at(d, page))
			return 1;
	return 0;
}

static int check(const struct dsm *d, const void *ptr, size_t bytes, const void *addr)
{
	const struct region *region = &d->memory.region;
	const uint64_t odd = (uintptr_t)ptr | (uintptr_t)addr | bytes;

	if (!addr || !bytes || odd % REGION_PTE_BYTES || (uintptr_t)addr + bytes < bytes ||
	    region_kind_of(region, ptr, bytes) != REGION_PTE || node_is_copy(d))
		return DSM_ERR_INVAL;
	return 0;
}

int dsm_place(dsm_t *d, void *ptr, size_t bytes, void *addr)
{
	NODE_ENTRY(dsm_place, d, ptr, bytes, addr);
	const struct region *region = &d->memory.region;
	const uint64_t n = bytes / REGION_PTE_BYTES;
	uint64_t first;
	sigset_t mask;
	int rc = check(d, ptr, bytes, addr);

	if (rc)
		return rc;
	first = (uint64_t)region_page_of(region, ptr);
	node_lock(d, &mask);
	if (overlaps(region, addr, bytes) || region_is_placed(region, first, n))
		rc = DSM_ERR_INVAL;
	else if (is_pinned(d, first, n))
		rc = DSM_ERR_BUSY;
	else
		rc = d->trap->ops->place(d->trap, first, n, addr);
	node_unlock(d, &mask);
	if (rc == -ENOSPC || rc == -EAGAIN)
		return DSM_ERR_LIMIT;
	return rc == 0 || rc == DSM_ERR_INVAL || rc == DSM_ERR_BUSY ? rc : DSM_ERR_NOMEM;
}

int dsm_region(dsm_t *d, void **start, size_t *bytes)
{
	NODE_ENTRY(dsm_region, d, start, bytes);
	if (!start || !bytes)
		return DSM_ERR_INVAL;
	*start = d->memory.region.window;
	*bytes = d->memory.region.window_bytes;
	return 0;
}
