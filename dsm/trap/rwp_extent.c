/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extents: which mode each has, when it changes, and how many mappings that makes.
 *
 * Neighbours of 4 KiB pages in one mode merge into one mapping; on hugetlbfs nothing ever
 * merges, but what is moved over several mappings replaces them. A pattern of alternate
 * modes could have more mappings than the kernel allows a process (vm.max_map_count), and
 * the application needs some too. So there is a bound. At it, an extent that must become WP
 * takes along so much of the mapping around it that no mapping is added. From half of it
 * on, no extent goes back to RWP where that would add one.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm.h"
#include "dsm/memory/mm.h"
#include "dsm/trap/rwp.h"

#define CALM_MIN 32u       /* page changes without a READ, for patience 0 */
#define PATIENCE_MAX 7     /* 32 << 7 = 4096 page changes */
#define RESTORE_EXTENTS 16 /* of more than these, accesses come back by faults */
#define MAPS_DEFAULT 65530

/* --- numbers --- */

static uint64_t index_of(const struct rwp *rwp, uint64_t page)
{
	const struct region_zone *pmd = &rwp->base.region->zone[REGION_PMD];

	return page < pmd->first ? page / REGION_EXTENT_PAGES
	                         : rwp->pte_extents + page - pmd->first;
}

struct extent *rwp_extent_of(const struct rwp *rwp, uint64_t page)
{
	return &rwp->extent[index_of(rwp, page)];
}

static uint64_t first_page(const struct rwp *rwp, uint64_t e)
{
	const struct region_zone *pmd = &rwp->base.region->zone[REGION_PMD];

	return e < rwp->pte_extents ? e * REGION_EXTENT_PAGES : pmd->first + e - rwp->pte_extents;
}

/* The extents of e's zone are lo to hi-1. */
static uint64_t zone_lo(const struct rwp *rwp, uint64_t e)
{
	return e < rwp->pte_extents ? 0 : rwp->pte_extents;
}

static uint64_t zone_hi(const struct rwp *rwp, uint64_t e)
{
	return e < rwp->pte_extents ? rwp->pte_extents : rwp->extents;
}

/* The pages of n extents of one zone. */
static struct run pages_of(const struct rwp *rwp, uint64_t e, uint64_t n)
{
	uint64_t pages = n * (e < rwp->pte_extents ? REGION_EXTENT_PAGES : 1);

	return base_run(&rwp->base, first_page(rwp, e), pages);
}

struct run rwp_same_mode(const struct rwp *rwp, struct run run)
{
	uint64_t e = index_of(rwp, run.first), last = index_of(rwp, run.first + run.n - 1);
	uint64_t to = e + 1, end;

	while (to <= last && rwp->extent[to].wp == rwp->extent[e].wp)
		to++;
	if (to <= last) {
		end = first_page(rwp, to);
		run.n = end - run.first;
	}
	return run;
}

/* --- mappings --- */

static bool merges(const struct rwp *rwp, uint64_t e)
{
	return e < rwp->pte_extents;
}

/* Whether another mapping starts between an extent and a neighbour that is replaced, and is
 * then of this mode. */
static bool parts(const struct rwp *rwp, uint64_t e, bool wp)
{
	return !merges(rwp, e) || rwp->extent[e].wp != wp;
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

static void set_mode(struct rwp *rwp, uint64_t e, uint64_t n, bool wp)
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
static bool room_to_switch(const struct rwp *rwp, uint64_t e, uint64_t n, uint64_t max)
{
	int64_t more = more_mappings(rwp, e, n, !rwp->extent[e].wp);

	return more <= 0 || rwp->mappings + more <= max;
}

/* Extends extents of mode RWP so that no mapping is added: to the nearer end of the
 * mapping that they are in where they then merge with its neighbour, else to both ends. */
static void widen(const struct rwp *rwp, uint64_t *e, uint64_t *n)
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

/* --- switching --- */

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
	struct run run = pages_of(rwp, e, n);
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
	set_mode(rwp, e, n, wp);
	base_count(wp ? &rwp->to_wp : &rwp->to_rwp, n);
	if (n <= RESTORE_EXTENTS)
		restore(rwp, run, wp);
	sweep_locked(rwp);
	return 0;
}

int rwp_to_wp(struct rwp *rwp, struct run run)
{
	uint64_t e = index_of(rwp, run.first);
	uint64_t n = index_of(rwp, run.first + run.n - 1) - e + 1;

	for (uint64_t i = e; i < e + n; i++) {
		struct extent *x = &rwp->extent[i];

		/* How long it has been calm tells whether going back was worth while. */
		if (x->calm >= CALM_MIN << PATIENCE_MAX)
			x->patience = 0;
		else if (x->patience < PATIENCE_MAX)
			x->patience++;
	}
	if (!room_to_switch(rwp, e, n, rwp->mappings_max))
		widen(rwp, &e, &n);
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
	struct run all = pages_of(rwp, e, 1);
	uint64_t from = all.first > run->first ? all.first : run->first;
	uint64_t to = all.first + all.n, end = run->first + run->n;

	return (to < end ? to : end) - from;
}

/* Counts readers anew; true when the extent is to go back. */
static bool is_calm(struct rwp *rwp, const struct run *run, uint64_t e)
{
	struct extent *x = &rwp->extent[e];
	struct run all = pages_of(rwp, e, 1);

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
	if (room_to_switch(rwp, e, n, rwp->mappings_max / 2) && !switch_extents(rwp, e, n))
		return;
	base_count(&rwp->stayed_wp, n);
	for (uint64_t i = e; i < e + n; i++)
		rwp->extent[i].calm = 0; /* asks again after as long a time */
}

void rwp_settle(struct rwp *rwp, struct run run)
{
	uint64_t last = index_of(rwp, run.first + run.n - 1), e, calm = 0;

	for (e = index_of(rwp, run.first); e <= last; e++) {
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
	uint64_t last = index_of(rwp, run.first + run.n - 1);

	for (uint64_t e = index_of(rwp, run.first); e <= last; e++)
		add_calm(&rwp->extent[e], pages_within(rwp, &run, e));
}

int rwp_force(struct trap *trap, uint64_t page, bool wp)
{
	struct rwp *rwp = rwp_of(trap);
	uint64_t e = index_of(rwp, page);

	if (rwp->extent[e].readers && !wp)
		return -EBUSY;
	return rwp->extent[e].wp == wp ? 0 : switch_extents(rwp, e, 1);
}

/* --- begin and end --- */

static uint64_t read_max_map_count(void)
{
	char text[24] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoull(text, NULL, 10) : MAPS_DEFAULT;
}

/* A quarter of what a process may have: locked ones may treble it (sweep_locked), and the
 * rest is the application's. */
int rwp_extents_open(struct rwp *rwp)
{
	const struct region_zone *zone = rwp->base.region->zone;
	void *got = NULL;
	int r;

	rwp->pte_extents = (zone[REGION_PTE].count + REGION_EXTENT_PAGES - 1) / REGION_EXTENT_PAGES;
	rwp->extents = rwp->pte_extents + zone[REGION_PMD].count;
	rwp->mappings = (zone[REGION_PTE].count > 0) + (zone[REGION_PMD].count > 0);
	rwp->mappings_max = read_max_map_count() / 4;
	r = mm_map(NULL, rwp->extents * sizeof *rwp->extent, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &got);
	if (r)
		return -ENOMEM;
	mm_advise(got, rwp->extents * sizeof *rwp->extent, MADV_DONTDUMP);
	rwp->extent = got;
	return 0;
}

void rwp_extents_close(struct rwp *rwp)
{
	if (rwp->extent)
		mm_unmap(rwp->extent, rwp->extents * sizeof *rwp->extent);
	rwp->extent = NULL;
}
