/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that are given back, or zeroed for what comes next. */
#include "dsm/memory/frames_state.h"

#include <string.h>

#include "dsm/memory/chunks.h"

/* The unit that page lies in. What was set aside for huge pages of this home is so again. */
static void count_out(struct frames *f, uint64_t page, int home)
{
	struct frames_pool *pool = pool_of(f, page);
	uint64_t bytes = frames_unit_bytes(f, frames_zone(f, page));

	unit_at(f, page)->counted = 0;
	if (home && frames_zone(f, page) == REGION_PMD &&
	    f->set_aside + bytes <= f->set_aside_first) {
		f->set_aside += bytes;
		return;
	}
	pool->used -= bytes;
	pool->home -= home ? bytes : 0;
}

/* Nothing of the unit is here, nor will anything come back. */
static void count_out_if_empty(struct frames *f, uint64_t page)
{
	const struct frame_unit *unit = unit_at(f, page);

	if (unit->counted && !unit->ready && !unit->due)
		count_out(f, page, is_home(f, page));
}

/* None of these units' frames is in use, so none is landing or source: what is registered of
 * them can go, and after that their memory. */
static int give_units_back(struct frames *f, uint64_t first, uint64_t n)
{
	int rc;

	for (uint64_t page = first; page < first + n; page = frames_unit_end(f, page))
		chunks_release(f->chunks, page);
	rc = region_frame_drop(f->region, first, n);
	if (rc)
		return rc;
	f->returned += n;
	for (uint64_t page = first; page < first + n; page = frames_unit_end(f, page)) {
		if (frames_zone(f, page) == REGION_PMD)
			region_pool_give(f->region);
		evict_gone(evict_of(f, page), page);
	}
	return 0;
}

static void not_ready(struct frames *f, uint64_t page)
{
	f->state[page].ready = 0;
	unit_at(f, page)->ready--;
	count_out_if_empty(f, page);
}

static void give_back(struct frames *f, uint64_t page)
{
	uint64_t unit = frames_unit(f, page);

	f->state[page].drop = 0;
	if (!f->state[page].ready)
		return;
	if (unit_at(f, page)->ready > 1)
		memset(region_frame_at(f->region, page), 0, page_bytes(f, page));
	else if (give_units_back(f, unit, frames_unit_end(f, page) - unit))
		return;
	not_ready(f, page);
}

void frames_unpin(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++)
		if (--f->state[page].pins == 0 && f->state[page].drop)
			give_back(f, page);
}

/* From page on, of so many: those that go with one call of the kernel's. */
static uint32_t run_to_drop(const struct frames *f, uint64_t page, uint32_t n)
{
	uint32_t k = 0;

	if (f->unit_pages[frames_zone(f, page)] > 1)
		return 0;
	while (k < n && f->state[page + k].ready && !f->state[page + k].pins)
		k++;
	return k;
}

void frames_drop(struct frames *f, uint64_t first, uint32_t n)
{
	uint64_t page = first, end = first + n;

	while (page < end) {
		uint32_t k = run_to_drop(f, page, end - page);

		if (k && give_units_back(f, page, k) == 0) {
			for (; k; k--, page++) {
				f->state[page].drop = 0;
				not_ready(f, page);
			}
			continue;
		}
		if (f->state[page].pins)
			f->state[page].drop = 1;
		else
			give_back(f, page);
		page++;
	}
}

void frames_zero(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++) {
		if (f->state[page].ready && !f->state[page].clean)
			memset(region_frame_at(f->region, page), 0, page_bytes(f, page));
		f->state[page].clean = 1;
	}
}

/* Huge pages that are committed for good, and not by a pool, would not be when they came again. */
static int is_lent(const struct frames *f, uint64_t page)
{
	return frames_zone(f, page) == REGION_PTE || f->region->pooled;
}

void frames_discard(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++) {
		unit_at(f, page)->due -= f->state[page].due;
		f->state[page].due = 0;
		/* What stays for a while, or for good, has to be zero all the same. */
		if (f->state[page].pins || !is_lent(f, page)) {
			f->state[page].clean = 0;
			frames_zero(f, page, 1);
		}
		count_out_if_empty(f, page);
	}
	if (is_lent(f, first))
		frames_drop(f, first, n);
}
