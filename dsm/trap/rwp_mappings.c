/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many mappings the modes of extents make.
 *
 * Neighbours of 4 KiB pages in one mode merge into one mapping; on hugetlbfs nothing ever
 * merges, but what is moved over several mappings replaces them. A pattern of alternate
 * modes could have more mappings than the kernel allows a process (vm.max_map_count), and
 * the application needs some too. So there is a bound. At it, an extent that must become WP
 * takes along so much of the mapping around it that no mapping is added. From half of it
 * on, no extent goes back to RWP where that would add one.
 */
#include "config.h"

#include "dsm/trap/rwp.h"

/* The extents of e's zone are lo to hi-1. */
static uint64_t zone_lo(const struct rwp *rwp, uint64_t e)
{
	return e < rwp->pte_extents ? 0 : rwp->pte_extents;
}

static uint64_t zone_hi(const struct rwp *rwp, uint64_t e)
{
	return e < rwp->pte_extents ? rwp->pte_extents : rwp->extents;
}

static bool merges(const struct rwp *rwp, uint64_t e)
{
	return e < rwp->pte_extents;
}

/* Whether another mapping starts between an extent and a neighbour that is replaced, and is
 * then of this mode. What is in a place merges with nothing. */
static bool parts(const struct rwp *rwp, uint64_t e, bool wp)
{
	return !merges(rwp, e) || rwp->extent[e].wp != wp || rwp->extent[e].fixed;
}

/* How many mappings more there are when n extents take this mode. */
static int64_t more_mappings(const struct rwp *rwp, uint64_t e, uint64_t n, bool wp)
{
	int64_t more = 0;

	for (uint64_t i = e; i < e + n; i++)
		more -= rwp->extent[i].starts;
	if (e > zone_lo(rwp, e))
		more += parts(rwp, e - 1, wp);
	if (e + n < zone_hi(rwp, e))
		more += parts(rwp, e + n, wp) - rwp->extent[e + n].starts;
	return more;
}

void rwp_set_mode(struct rwp *rwp, uint64_t e, uint64_t n, bool wp)
{
	rwp->mappings += more_mappings(rwp, e, n, wp);
	if (e + n < zone_hi(rwp, e))
		rwp->extent[e + n].starts = parts(rwp, e + n, wp);
	for (uint64_t i = e; i < e + n; i++) {
		struct extent *x = &rwp->extent[i];

		x->starts = i == e && e > zone_lo(rwp, e) && parts(rwp, e - 1, wp);
		x->wp = wp;
		x->present = 0;
		x->readers = 0;
		x->calm = 0;
	}
}

/* Whether n extents, all of one mode, can take the other one within so many mappings. */
bool rwp_room_to_switch(const struct rwp *rwp, uint64_t e, uint64_t n, uint64_t max)
{
	int64_t more = more_mappings(rwp, e, n, !rwp->extent[e].wp);

	return more <= 0 || rwp->mappings + more <= max;
}

/* Extends extents of mode RWP so that no mapping is added: to the nearer end of the
 * mapping that they are in where they then merge with its neighbour, else to both ends. */
void rwp_widen(const struct rwp *rwp, uint64_t *e, uint64_t *n)
{
	const uint64_t lo = zone_lo(rwp, *e), hi = zone_hi(rwp, *e);
	uint64_t left = *e, right = *e + *n;
	bool left_done, right_done;

	for (;;) {
		left_done = left == lo || rwp->extent[left].starts;
		right_done = right == hi || rwp->extent[right].starts;
		if (merges(rwp, *e) ? left_done || right_done : left_done && right_done)
			break;
		left -= !left_done;
		right += !right_done;
	}
	if (merges(rwp, *e) && !left_done)
		left = *e;
	else if (merges(rwp, *e))
		right = *e + *n;
	*e = left;
	*n = right - left;
}
