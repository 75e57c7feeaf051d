/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping cached pages within the budget: the service thread gives pages up ahead of need,
 * so that a fault seldom finds no frame. Under the node's lock.
 */
#include <errno.h>

#include "dsm/budget.h"
#include "dsm/node.h"

#define TRIES 32        /* pages looked at in one go */
#define LEAVING_PAGES 32 /* pages that may be on their way out at once */
#define LEAVING_HUGE 4

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The page size that counts for a pool: the largest of those that have come. */
static uint64_t unit_of(const struct frames *f, unsigned pool)
{
	int huge = f->pool_of[REGION_PMD] == pool && evict_resident(&f->evict[REGION_PMD]);

	return f->region->zone[huge || pool ? REGION_PMD : REGION_PTE].page_bytes;
}

/* Bytes that the pool has for cached pages; 0 when it has room for all there are, so that
 * nothing needs to be kept free. */
static uint64_t cache_bytes(const struct frames *f, unsigned pool)
{
	const struct frames_pool *p = &f->pool[pool];
	uint64_t all = 0;

	for (int kind = 0; kind < REGION_ZONES; kind++)
		if (f->pool_of[kind] == pool)
			all += f->region->zone[kind].count * f->region->zone[kind].page_bytes;
	return p->budget >= all || p->budget < p->home ? 0 : p->budget - p->home;
}

/* Below low bytes free it begins, and goes on until there are high. */
static uint64_t low_mark(const struct frames *f, unsigned pool)
{
	uint64_t cache = cache_bytes(f, pool);

	return min_u64(max_u64(cache / 16, unit_of(f, pool)), cache / 4);
}

static uint64_t high_mark(const struct frames *f, unsigned pool)
{
	uint64_t cache = cache_bytes(f, pool);

	return min_u64(max_u64(cache / 8, unit_of(f, pool)), cache / 2);
}

uint64_t node_frames_spare(const struct dsm *d, uint64_t page)
{
	return low_mark(&d->frames, d->frames.pool_of[frames_zone(&d->frames, page)]);
}

/* --- giving up --- */

/* Gives a page up, unless it is in use by the protocol or has just been granted.
 * 0, -EBUSY, -EAGAIN: no slot. */
static int give_up(struct dsm *d, uint64_t page)
{
	struct coh_event ev = {.kind = COH_EV_EVICT, .page = page};
	struct coh_page_info info;
	int rc;

	coh_page_info(d->coh, page, &info);
	if (info.held)
		return -EBUSY;
	rc = node_step(d, &ev);
	if (rc)
		return rc;
	d->evicted_shared += info.cache_state == COH_C_S;
	d->evicted_modified += info.cache_state == COH_C_M;
	d->handled++;
	return 0;
}

/* The zone of this pool that caches most. */
static struct evict *zone_to_shrink(struct frames *f, unsigned pool)
{
	uint64_t most = 0;
	int which = -1;

	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const struct evict *e = &f->evict[kind];
		uint64_t n = evict_resident(e) - evict_leaving(e);
		if (f->pool_of[kind] != pool || !n)
			continue;
		if (which < 0 || n * f->region->zone[kind].page_bytes > most) {
			most = n * f->region->zone[kind].page_bytes;
			which = kind;
		}
	}
	return which < 0 ? NULL : &f->evict[which];
}

static int enough_leave(const struct frames *f)
{
	return evict_leaving(&f->evict[REGION_PTE]) >= LEAVING_PAGES ||
	       evict_leaving(&f->evict[REGION_PMD]) >= LEAVING_HUGE;
}

/* Until want bytes will be free. Returns how many pages were given up. */
static unsigned reclaim(struct dsm *d, unsigned pool, int64_t want)
{
	struct frames *f = &d->frames;
	unsigned n = 0;

	for (unsigned i = 0; i < TRIES && frames_free_soon(f, pool) < want; i++) {
		struct evict *e = zone_to_shrink(f, pool);
		uint64_t page;
		int rc;
		if (!e || enough_leave(f) || evict_next(e, &page))
			break;
		rc = give_up(d, page);
		if (rc)
			evict_kept(e, page);
		else
			n++;
		if (rc == -EAGAIN)
			break;
	}
	return n;
}

static void reclaim_pool(struct dsm *d, unsigned pool)
{
	struct frames *f = &d->frames;
	struct reclaim *r = &d->reclaim[pool];
	int64_t free = frames_free_soon(f, pool), high = (int64_t)high_mark(f, pool);
	unsigned n = 0;

	if (free >= high) {
		r->running = r->short_of = r->stuck = 0;
		return;
	}
	if (free < (int64_t)low_mark(f, pool) || r->short_of)
		r->running = 1;
	if (r->running)
		n = reclaim(d, pool, high);
	/* All that is here is in use: whoever needs more gets it beyond the budget. */
	r->stuck = r->short_of && n == 0 && frames_leaving(f, pool) == 0;
	if (r->stuck && d->starved)
		pthread_cond_broadcast(&d->room);
}

void node_reclaim(struct dsm *d)
{
	for (unsigned pool = 0; pool < REGION_ZONES && !d->lost; pool++)
		if (frames_cached(&d->frames, pool))
			reclaim_pool(d, pool);
		else
			d->reclaim[pool].short_of = d->reclaim[pool].stuck = 0;
}

int node_reclaim_waits(const struct dsm *d)
{
	return d->reclaim[0].short_of || d->reclaim[1].short_of;
}

/* --- frames for faults --- */

/* Beyond the budget there are as many frames as one instruction may need at once. */
static int may_exceed(const struct dsm *d, uint64_t page, unsigned pool)
{
	const struct frames *f = &d->frames;
	uint64_t bytes = region_zone_of(&d->region, page)->page_bytes;

	/* A huge page that is taken from nowhere is taken from another node's pool. */
	if (d->region.pooled && frames_zone(f, page) == REGION_PMD)
		return 0;
	return (d->reclaim[pool].stuck || !frames_cached(f, pool)) &&
	       frames_cached(f, pool) + bytes <= BUDGET_FLOOR_PAGES * bytes;
}

int node_frame_for(struct dsm *d, uint64_t page)
{
	struct frames *f = &d->frames;
	unsigned pool = f->pool_of[frames_zone(f, page)];

	if (frames_have_room(f, page, 1, 0) || may_exceed(d, page, pool)) {
		if (frames_want(f, page, 1, 1) == 0)
			return 0;
		if (coh_home_of(&d->coh_cfg, page) == d->coh_cfg.self || !frames_cached(f, pool))
			return -ENOSPC;
		/* The machine has less than was thought: it has to do with what there is. */
		if (f->pool[pool].budget > f->pool[pool].used) {
			f->pool[pool].budget = f->pool[pool].used;
			log_line(&d->log, DSM_LOG_WARN, "this machine has no more memory for pages: "
			         "going on with %llu bytes",
			         (unsigned long long)f->pool[pool].budget);
		}
	}
	d->reclaim[pool].short_of = 1;
	return -EAGAIN;
}
