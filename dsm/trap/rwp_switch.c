/* SPDX-License-Identifier: BSD-2-Clause */
/* Switching: when an extent changes its mode, and how. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/memory/memory.h"
#include "dsm/trap/rwp.h"

#define CALM_MIN 32u       /* page changes without a READ, for patience 0 */
#define PATIENCE_MAX 7     /* 32 << 7 = 4096 page changes */
#define RESTORE_EXTENTS 16 /* of more than these, accesses come back by faults */

/*
 * A mapping that was locked (mlockall) before it was first replaced does not merge with
 * the replacements, which never are. Done once in as many switches as there are mappings,
 * this costs nothing to speak of, and no more than twice as many more can come about.
 */
static void sweep_locked(struct rwp *rwp)
{
	if (++rwp->swept <= rwp->mappings)
		return;
	rwp->swept = 0;
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const struct region_zone *zone = &rwp->base.region->zone[kind];

		if (zone->count)
			mm_unlock(zone->window, zone->count * zone->page_bytes);
	}
}

/* Nothing is mapped after a switch. Gives pages back what they are said to have; where
 * that fails a fault will. So does the fault of a thread that came in between. */
static void restore(struct rwp *rwp, struct run all, bool wp)
{
	while (all.n) {
		enum trap_access access = access_map_get(&rwp->base.map, all.first);
		struct run run = all;
		uint64_t done;

		run.n = access_map_same(&rwp->base.map, all.first, all.n);
		all = run_after(all, run.n);
		if (access != TRAP_NONE && wp)
			base_fill(&rwp->base, run, access, &done);
		else if (access != TRAP_NONE)
			rwp_fill(rwp, run, &done);
	}
}

/* n extents of one mode take the other one. */
static int switch_extents(struct rwp *rwp, uint64_t e, uint64_t n)
{
	const bool wp = !rwp->extent[e].wp;
	struct run run = rwp_pages_of(rwp, e, n);
	const size_t len = run.n * run.page_bytes;
	void *fresh;
	int r = region_map_again(rwp->base.region, run.first, run.n, &fresh);

	if (!r) {
		r = uffd_register(rwp->base.fd, fresh, len, wp ? BASE_MODES_WP : RWP_MODES);
		if (!r)
			r = rwp_move(rwp, fresh, len, run.at);
		if (r && r != -ETIMEDOUT)
			mm_unmap(fresh, len);
	}
	if (r) {
		base_say(&rwp->base, DSM_LOG_ERROR,
		         "pages from %llu on cannot change the way they are protected: %s",
		         (unsigned long long)run.first, strerror(-r));
		return r == -ENOMEM ? r : -EIO;
	}
	rwp_set_mode(rwp, e, n, wp);
	base_count(wp ? &rwp->to_wp : &rwp->to_rwp, n);
	if (n <= RESTORE_EXTENTS)
		restore(rwp, run, wp);
	sweep_locked(rwp);
	return 0;
}

int rwp_to_wp(struct rwp *rwp, struct run run)
{
	uint64_t e = rwp_index_of(rwp, run.first);
	uint64_t n = rwp_index_of(rwp, run.first + run.n - 1) - e + 1;

	for (uint64_t i = e; i < e + n; i++) {
		struct extent *x = &rwp->extent[i];

		/* How long it has been calm tells whether going back was worth while. */
		if (x->calm >= CALM_MIN << PATIENCE_MAX)
			x->patience = 0;
		else if (x->patience < PATIENCE_MAX)
			x->patience++;
	}
	if (!rwp_room_to_switch(rwp, e, n, rwp->mappings_max))
		rwp_widen(rwp, &e, &n);
	return switch_extents(rwp, e, n);
}

static void add_calm(struct extent *x, uint64_t changes)
{
	uint64_t calm = x->calm + changes;

	x->calm = calm < UINT16_MAX ? calm : UINT16_MAX;
}

/* The pages of a run that lie in its extent number e. */
static uint64_t pages_within(const struct rwp *rwp, const struct run *run, uint64_t e)
{
	struct run all = rwp_pages_of(rwp, e, 1);
	uint64_t from = all.first > run->first ? all.first : run->first;
	uint64_t to = all.first + all.n, end = run->first + run->n;

	return (to < end ? to : end) - from;
}

/* Counts readers anew; true when the extent is to go back. */
static bool is_calm(struct rwp *rwp, const struct run *run, uint64_t e)
{
	struct extent *x = &rwp->extent[e];
	struct run all = rwp_pages_of(rwp, e, 1);

	if (x->fixed)
		return false;
	x->readers = 0;
	for (uint64_t page = all.first; page < all.first + all.n; page++)
		x->readers += access_map_get(&rwp->base.map, page) == TRAP_READ;
	if (x->readers)
		x->calm = 0;
	else
		add_calm(x, pages_within(rwp, run, e));
	return x->calm >= CALM_MIN << x->patience;
}

/* Extents e to e+n-1 are calm. */
static void go_back(struct rwp *rwp, uint64_t e, uint64_t n)
{
	if (!n)
		return;
	if (rwp_room_to_switch(rwp, e, n, rwp->mappings_max / 2) && !switch_extents(rwp, e, n))
		return;
	base_count(&rwp->stayed_wp, n);
	for (uint64_t i = e; i < e + n; i++)
		rwp->extent[i].calm = 0; /* asks again after as long a time */
}

void rwp_settle(struct rwp *rwp, struct run run)
{
	uint64_t last = rwp_index_of(rwp, run.first + run.n - 1), e, calm = 0;

	for (e = rwp_index_of(rwp, run.first); e <= last; e++) {
		if (is_calm(rwp, &run, e)) {
			calm++;
			continue;
		}
		go_back(rwp, e - calm, calm);
		calm = 0;
	}
	go_back(rwp, e - calm, calm);
}

void rwp_note(struct rwp *rwp, struct run run)
{
	uint64_t last = rwp_index_of(rwp, run.first + run.n - 1);

	for (uint64_t e = rwp_index_of(rwp, run.first); e <= last; e++)
		add_calm(&rwp->extent[e], pages_within(rwp, &run, e));
}

int rwp_place(struct trap *trap, uint64_t first, uint64_t n, void *addr)
{
	struct rwp *rwp = rwp_of(trap);
	const uint64_t last = rwp_index_of(rwp, first + n - 1);

	for (uint64_t e = rwp_index_of(rwp, first); e <= last; e++) {
		const int r = rwp->extent[e].wp ? 0 : switch_extents(rwp, e, 1);

		if (r)
			return r;
		rwp->extent[e].fixed = 1;
	}
	rwp->mappings += 2; /* the place, and a part of the window behind what was there */
	return base_place(&rwp->base, first, n, addr);
}

int rwp_force(struct trap *trap, uint64_t page, bool wp)
{
	struct rwp *rwp = rwp_of(trap);
	uint64_t e = rwp_index_of(rwp, page);

	if (!wp && (rwp->extent[e].readers || rwp->extent[e].fixed))
		return -EBUSY;
	return rwp->extent[e].wp == wp ? 0 : switch_extents(rwp, e, 1);
}
