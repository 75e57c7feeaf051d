/* SPDX-License-Identifier: BSD-2-Clause */
/* States of frames: allocated, pinned, to be dropped; and the bytes of each kind. */
#include "dsm/frames.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/chunks.h"

#define CACHED_SLACK 4096 /* pages beyond the budget, by threads that need them all at once */

/* --- life --- */

/* As many as the pool can hold, and no more than there are. */
static int open_evict(struct frames *f, enum region_zone_kind kind)
{
	const struct region_zone *zone = &f->region->zone[kind];
	uint64_t pages;

	if (!zone->count)
		return 0;
	pages = f->pool[f->pool_of[kind]].budget / zone->page_bytes + CACHED_SLACK;
	if (pages > zone->count)
		pages = zone->count;
	return evict_open(&f->evict[kind], pages < UINT32_MAX / 4 ? pages : UINT32_MAX / 4);
}

int frames_open(struct frames *f, struct region *region, const struct chunks *chunks,
                const struct coh_config *homes, uint64_t budget_bytes, int both,
                uint64_t home_bytes)
{
	const struct region_zone *huge = &region->zone[REGION_PMD];
	size_t bytes = region->pages * sizeof(struct frame_state);
	void *at = (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
	                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int rc = 0;

	if (at == MAP_FAILED)
		return -ENOMEM;
	*f = (struct frames){.region = region,
	                     .chunks = chunks,
	                     .homes = homes,
	                     .state = at,
	                     .bytes = bytes,
	                     .pool = {{.budget = budget_bytes}},
	                     .pool_of = {0, !both}};
	if (!both) {
		f->pool[1].budget = huge->count * huge->page_bytes;
	} else if (huge->count) {
		f->set_aside = coh_home_pages(homes, 1, huge->count, homes->self) * huge->page_bytes;
		if (f->set_aside > home_bytes)
			f->set_aside = home_bytes;
		f->pool[0].used = f->pool[0].home = f->set_aside;
	}
	for (int kind = 0; kind < REGION_ZONES && rc == 0; kind++)
		rc = open_evict(f, kind);
	return rc;
}

void frames_close(struct frames *f)
{
	for (int kind = 0; kind < REGION_ZONES; kind++)
		evict_close(&f->evict[kind]);
	if (f->state)
		syscall(SYS_munmap, f->state, f->bytes);
	*f = (struct frames){0};
}

/* --- accounts --- */

enum region_zone_kind frames_zone(const struct frames *f, uint64_t page)
{
	return region_zone_of(f->region, page) == &f->region->zone[REGION_PMD] ? REGION_PMD
	                                                                      : REGION_PTE;
}

static size_t page_bytes(const struct frames *f, uint64_t page)
{
	return region_zone_of(f->region, page)->page_bytes;
}

static struct frames_pool *pool_of(struct frames *f, uint64_t page)
{
	return &f->pool[f->pool_of[frames_zone(f, page)]];
}

static struct evict *evict_of(struct frames *f, uint64_t page)
{
	return &f->evict[frames_zone(f, page)];
}

static int is_home(const struct frames *f, uint64_t page)
{
	return coh_home_of(f->homes, page) == f->homes->self;
}

static void count_in(struct frames *f, uint64_t page, int home)
{
	struct frames_pool *pool = pool_of(f, page);
	size_t bytes = page_bytes(f, page);

	if (home && frames_zone(f, page) == REGION_PMD && f->set_aside >= bytes) {
		f->set_aside -= bytes;
		return;
	}
	pool->used += bytes;
	pool->home += home ? bytes : 0;
}

static void count_out(struct frames *f, uint64_t page, int home)
{
	struct frames_pool *pool = pool_of(f, page);

	pool->used -= page_bytes(f, page);
	pool->home -= home ? page_bytes(f, page) : 0;
}

static uint64_t sum(const struct frames *f, unsigned pool, uint32_t (*count)(const struct evict *))
{
	uint64_t bytes = 0;

	for (int kind = 0; kind < REGION_ZONES; kind++)
		if (f->pool_of[kind] == pool)
			bytes += (uint64_t)count(&f->evict[kind]) * f->region->zone[kind].page_bytes;
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
	uint64_t bytes = 0;

	for (uint64_t page = first; page < first + n; page++)
		if (!f->state[page].ready && !is_home(f, page))
			bytes += page_bytes(f, page);
	return bytes == 0 ||
	       (int64_t)(bytes + spare) <= frames_free(f, f->pool_of[frames_zone(f, first)]);
}

/* --- frames --- */

static int allocate(struct frames *f, uint64_t page)
{
	struct frame_state *s = &f->state[page];
	int home, pooled, rc;

	if (s->ready)
		return 0;
	home = is_home(f, page);
	pooled = frames_zone(f, page) == REGION_PMD && !chunks_pins(f->chunks, page);
	if (pooled)
		region_pool_take(f->region);
	rc = region_frame_prepare(f->region, page, 1);
	if (rc && pooled)
		region_pool_give(f->region);
	if (rc)
		return rc;
	if (!s->reserved)
		count_in(f, page, home);
	s->ready = 1;
	s->reserved = 0;
	return home ? 0 : evict_got(evict_of(f, page), page, 1);
}

int frames_prepare(struct frames *f, uint64_t first, uint32_t n)
{
	int rc = 0;

	for (uint64_t page = first; page < first + n && rc == 0; page++) {
		f->state[page].drop = 0;
		rc = allocate(f, page);
	}
	return rc;
}

int frames_want(struct frames *f, uint64_t first, uint32_t n, int wanted)
{
	int rc = 0;

	for (uint64_t page = first; page < first + n && rc == 0; page++) {
		/* First the policy: it has to know whether a thread wants it. */
		if (!is_home(f, page))
			rc = evict_got(evict_of(f, page), page, wanted);
		if (rc == 0 && wanted)
			evict_used(evict_of(f, page), page);
		if (rc)
			return rc;
		rc = frames_prepare(f, page, 1);
		if (rc && !f->state[page].ready)
			evict_gone(evict_of(f, page), page);
	}
	return rc;
}

void frames_reserve(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++) {
		struct frame_state *s = &f->state[page];
		if (s->ready || s->reserved)
			continue;
		s->reserved = 1;
		count_in(f, page, 1);
	}
}

void frames_lost(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++)
		evict_lost(evict_of(f, page), page);
}

void frames_pin(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		f->state[first + i].pins++;
}

static void give_back(struct frames *f, uint64_t page)
{
	f->state[page].drop = 0;
	if (!f->state[page].ready)
		return;
	if (chunks_pins(f->chunks, page)) {
		memset(region_frame_at(f->region, page), 0, page_bytes(f, page));
	} else {
		if (region_frame_drop(f->region, page))
			return;
		if (frames_zone(f, page) == REGION_PMD)
			region_pool_give(f->region);
		f->returned++;
	}
	f->state[page].ready = 0;
	count_out(f, page, is_home(f, page));
	evict_gone(evict_of(f, page), page);
}

void frames_unpin(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++)
		if (--f->state[page].pins == 0 && f->state[page].drop)
			give_back(f, page);
}

void frames_drop(struct frames *f, uint64_t page)
{
	if (f->state[page].pins)
		f->state[page].drop = 1;
	else
		give_back(f, page);
}
