/* SPDX-License-Identifier: BSD-2-Clause */
/* States of frames: allocated, held, read by a page write; and the bytes of each kind. */
#include "dsm/memory/frames_state.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/memory/chunks.h"

#define CACHED_SLACK 4096 /* units beyond the budget, by threads that need them all at once */

/* --- life --- */

/* As many as the pool can hold, and no more than there are. */
static int open_evict(struct frames *f, enum region_zone_kind kind)
{
	const struct region_zone *zone = &f->region->zone[kind];
	uint64_t units;

	if (!zone->count)
		return 0;
	units = f->pool[f->pool_of[kind]].budget / frames_unit_bytes(f, kind) + CACHED_SLACK;
	if (units > zone->count)
		units = zone->count;
	return evict_open(&f->evict[kind], units < UINT32_MAX / 4 ? units : UINT32_MAX / 4);
}

/* Zeroed, and lazily populated; NULL: no memory. */
static void *table(size_t bytes)
{
	void *at = (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
	                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

int frames_open(struct frames *f, struct region *region, struct chunks *chunks,
                const struct coh_config *homes, uint64_t budget_bytes, int both,
                uint64_t home_bytes)
{
	const struct region_zone *huge = &region->zone[REGION_PMD];
	int rc = 0;

	*f = (struct frames){.region = region,
	                     .chunks = chunks,
	                     .homes = homes,
	                     .bytes = region->pages * sizeof *f->state,
	                     .unit_bytes = region->pages * sizeof *f->unit,
	                     .pool = {{.budget = budget_bytes}},
	                     .pool_of = {0, !both}};
	f->state = table(f->bytes);
	f->unit = table(f->unit_bytes);
	if (!f->state || !f->unit)
		return -ENOMEM;
	if (!both) {
		f->pool[1].budget = huge->count * huge->page_bytes;
	} else if (huge->count) {
		f->set_aside = coh_home_pages(homes, 1, huge->count, homes->self) * huge->page_bytes;
		if (f->set_aside > home_bytes)
			f->set_aside = home_bytes;
		f->set_aside_first = f->set_aside;
		f->pool[0].used = f->pool[0].home = f->set_aside;
	}
	for (int kind = 0; kind < REGION_ZONES && rc == 0; kind++) {
		f->unit_pages[kind] = chunks_pages(chunks, kind);
		rc = open_evict(f, kind);
	}
	return rc;
}

void frames_close(struct frames *f)
{
	for (int kind = 0; kind < REGION_ZONES; kind++)
		evict_close(&f->evict[kind]);
	if (f->state)
		syscall(SYS_munmap, f->state, f->bytes);
	if (f->unit)
		syscall(SYS_munmap, f->unit, f->unit_bytes);
	*f = (struct frames){0};
}

/* --- units --- */

enum region_zone_kind frames_zone(const struct frames *f, uint64_t page)
{
	return region_zone_of(f->region, page) == &f->region->zone[REGION_PMD] ? REGION_PMD
	                                                                      : REGION_PTE;
}

uint64_t frames_unit(const struct frames *f, uint64_t page)
{
	enum region_zone_kind kind = frames_zone(f, page);

	return page - (page - f->region->zone[kind].first) % f->unit_pages[kind];
}

uint64_t frames_unit_end(const struct frames *f, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(f->region, page);
	uint64_t end = frames_unit(f, page) + f->unit_pages[frames_zone(f, page)];

	return end < zone->first + zone->count ? end : zone->first + zone->count;
}

uint64_t frames_unit_bytes(const struct frames *f, enum region_zone_kind kind)
{
	return f->unit_pages[kind] * f->region->zone[kind].page_bytes;
}

/* --- accounts --- */

/* The unit that page lies in, if it is not counted yet. */
static void count_in(struct frames *f, uint64_t page, int home)
{
	struct frames_pool *pool = pool_of(f, page);
	struct frame_unit *unit = unit_at(f, page);
	uint64_t bytes = frames_unit_bytes(f, frames_zone(f, page));

	if (unit->counted)
		return;
	unit->counted = 1;
	if (home && frames_zone(f, page) == REGION_PMD && f->set_aside >= bytes) {
		f->set_aside -= bytes;
		return;
	}
	pool->used += bytes;
	pool->home += home ? bytes : 0;
}

static uint64_t sum(const struct frames *f, unsigned pool, uint32_t (*count)(const struct evict *))
{
	uint64_t bytes = 0;

	for (int kind = 0; kind < REGION_ZONES; kind++)
		if (f->pool_of[kind] == pool)
			bytes += count(&f->evict[kind]) * frames_unit_bytes(f, kind);
	return bytes;
}

uint64_t frames_cached(const struct frames *f, unsigned pool)
{
	return sum(f, pool, evict_resident);
}

uint64_t frames_leaving(const struct frames *f, unsigned pool)
{
	return sum(f, pool, evict_leaving);
}

int64_t frames_free(const struct frames *f, unsigned pool)
{
	return (int64_t)(f->pool[pool].budget - f->pool[pool].used);
}

int64_t frames_free_soon(const struct frames *f, unsigned pool)
{
	return frames_free(f, pool) + (int64_t)frames_leaving(f, pool);
}

int frames_have_room(const struct frames *f, uint64_t first, uint32_t n, uint64_t spare)
{
	enum region_zone_kind kind = frames_zone(f, first);
	uint64_t bytes = 0;

	for (uint64_t page = first; page < first + n; page = frames_unit_end(f, page))
		if (!unit_at(f, page)->counted && !is_home(f, page))
			bytes += frames_unit_bytes(f, kind);
	return bytes == 0 || (int64_t)(bytes + spare) <= frames_free(f, f->pool_of[kind]);
}

/* --- frames --- */

int frames_ready(const struct frames *f, uint64_t page)
{
	return f->state[page].ready;
}

/* This page's frame, which has memory, is in use. */
static int now_ready(struct frames *f, uint64_t page)
{
	const int home = is_home(f, page);

	count_in(f, page, home);
	f->state[page].ready = f->state[page].clean = 1;
	unit_at(f, page)->ready++;
	return home ? 0 : evict_got(evict_of(f, page), frames_unit(f, page), 1);
}

/* How a frame is to get its memory. */
typedef int (*frames_how)(struct region *region, uint64_t first, uint32_t n);

/* Frames that have no memory yet: small ones by one call of the kernel's. */
static int allocate(struct frames *f, uint64_t first, uint32_t n, frames_how how)
{
	const int pooled = frames_zone(f, first) == REGION_PMD;
	int rc;

	if (pooled)
		region_pool_take(f->region);
	rc = how(f->region, first, n);
	if (rc && pooled)
		region_pool_give(f->region);
	for (uint64_t page = first; page < first + n && rc == 0; page++)
		rc = now_ready(f, page);
	return rc;
}

/* From page on, of so many: those that have no memory, and get it together. */
static uint32_t run_to_allocate(const struct frames *f, uint64_t page, uint64_t end)
{
	uint32_t k = 0;

	while (page + k < end && !f->state[page + k].ready)
		if (++k && frames_zone(f, page) == REGION_PMD)
			break;
	return k;
}

static int prepare(struct frames *f, uint64_t first, uint32_t n, frames_how how)
{
	uint64_t page = first, end = first + n;

	for (; page < end; page++)
		f->state[page].drop = 0;
	for (page = first; page < end;) {
		uint32_t k = run_to_allocate(f, page, end);
		int rc = k ? allocate(f, page, k, how) : 0;
		if (rc)
			return rc;
		page += k ? k : 1;
	}
	return 0;
}

int frames_prepare(struct frames *f, uint64_t first, uint32_t n)
{
	return prepare(f, first, n, region_frame_prepare_new);
}

int frames_prepare_filled(struct frames *f, uint64_t first, uint32_t n)
{
	return prepare(f, first, n, region_frame_prepare_filled);
}

static int want(struct frames *f, uint64_t first, uint32_t n, int wanted, frames_how how)
{
	uint64_t page = first;
	int rc = 0;

	/* First the policy: it has to know whether a thread wants it. */
	for (; page < first + n && rc == 0; page++) {
		if (!is_home(f, page))
			rc = evict_got(evict_of(f, page), frames_unit(f, page), wanted);
		if (rc == 0 && wanted)
			evict_used(evict_of(f, page), frames_unit(f, page));
	}
	if (rc == 0)
		rc = prepare(f, first, n, how);
	while (rc && page-- > first)
		if (!unit_at(f, page)->ready)
			evict_gone(evict_of(f, page), frames_unit(f, page));
	return rc;
}

int frames_want(struct frames *f, uint64_t first, uint32_t n, int wanted)
{
	return want(f, first, n, wanted, region_frame_prepare_new);
}

int frames_want_fresh(struct frames *f, uint64_t first, uint32_t n)
{
	return want(f, first, n, 0, region_frame_prepare_fresh);
}

int frames_stays(const struct frames *f, uint64_t page)
{
	return f->state[page].ready && !f->state[page].drop;
}

void frames_used(struct frames *f, uint64_t page)
{
	const uint64_t unit = frames_unit(f, page);

	/* It has its entry already: that it cannot get one does not happen. */
	if (!is_home(f, page) && evict_got(evict_of(f, page), unit, 1) == 0)
		evict_used(evict_of(f, page), unit);
}

void frames_reserve(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++) {
		unit_at(f, page)->due += !f->state[page].due;
		f->state[page].due = 1;
		count_in(f, page, 1);
	}
}

void frames_soil(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++)
		f->state[page].clean = 0;
}

void frames_hold(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++) {
		unit_at(f, page)->holding += !f->state[page].holds;
		f->state[page].holds = 1;
	}
}

void frames_lost(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++) {
		unit_at(f, page)->holding -= f->state[page].holds;
		f->state[page].holds = 0;
		if (!unit_at(f, page)->holding)
			evict_lost(evict_of(f, page), frames_unit(f, page));
	}
}

void frames_keep(struct frames *f, uint64_t page)
{
	if (is_home(f, page) || unit_at(f, page)->kept++)
		return;
	pool_of(f, page)->kept += frames_unit_bytes(f, frames_zone(f, page));
	evict_pin(evict_of(f, page), frames_unit(f, page));
}

void frames_unkeep(struct frames *f, uint64_t page)
{
	if (is_home(f, page) || --unit_at(f, page)->kept)
		return;
	pool_of(f, page)->kept -= frames_unit_bytes(f, frames_zone(f, page));
	evict_unpin(evict_of(f, page), frames_unit(f, page));
}

int frames_is_kept(const struct frames *f, uint64_t page)
{
	return unit_at(f, page)->kept != 0;
}

int frames_may_keep(const struct frames *f, unsigned pool, uint64_t bytes)
{
	const struct frames_pool *p = &f->pool[pool];

	return bytes == 0 || p->home + p->kept + bytes <= p->budget;
}

void frames_pin(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		f->state[first + i].pins++;
}
