/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether pages are used that were asked for before anybody wrote there (trails.h). */
#include "dsm/node/node.h"

static uint64_t content_of(const struct dsm *d, uint64_t page)
{
	const struct looked all = {.at = region_frame_at(&d->memory.region, page), .bytes = LOOKS_BYTES};

	return looks_content(&all);
}

void used_access(struct dsm *d, uint64_t first, uint32_t n, enum coh_access access)
{
	for (uint64_t page = first; page < first + n; page++) {
		if (!trails_has(&d->write_trails, page))
			continue;
		if (access == COH_WRITE)
			trails_came(&d->write_trails, page, content_of(d, page));
		else
			trails_went(&d->write_trails, page, content_of(d, page));
	}
}
