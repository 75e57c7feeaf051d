/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a block by its place in the region. */
#include "dsm/heap/services.h"

uint64_t heap_bytes_at(const struct dsm *d, uint64_t offset)
{
	const struct region *region = &d->memory.region;
	const uintptr_t address = (uintptr_t)region->window + offset;
	uint64_t bytes = 0;

	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const uint64_t at = address - (uintptr_t)region->zone[kind].window;

		if (d->heap->alloc[kind] && !bytes)
			bytes = alloc_size(d->heap->alloc[kind], at);
	}
	return bytes;
}
