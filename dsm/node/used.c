/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether pages are used that were asked for before anybody wrote there (given.h): who asked is told. */
#include "dsm/node/node.h"

static uint64_t content_of(const struct dsm *d, uint64_t page)
{
	const struct looked all = {.at = region_frame_at(&d->memory.region, page), .bytes = LOOKS_BYTES};

	return looks_content(&all);
}

static void went(struct dsm *d, uint64_t page, uint64_t by)
{
	const int used = given_went(&d->given, page, content_of(d, page));

	if (used < 0)
		return;
	if (by & BOUND_KEY)
		bound_used(&d->bound, by, page, used);
	else
		trails_used(&d->write_trails, by, used);
}

void used_access(struct dsm *d, uint64_t first, uint32_t n, enum coh_access access)
{
	for (uint64_t page = first; page < first + n; page++) {
		const struct given_page *g = given_find(&d->given, page);

		if (!g)
			continue;
		if (access == COH_WRITE)
			given_came(&d->given, page, content_of(d, page));
		else
			went(d, page, g->by);
	}
}
