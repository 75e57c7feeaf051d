/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping cached pages within the budget: the service thread gives pages up ahead of need,
 * so that a fault seldom finds no frame. Under the node's lock.
 */
#include <errno.h>

#include "dsm/node/node.h"

#define TRIES 32        /* pages looked at in one go */
#define LEAVING_PAGES 32 /* pages that may be on their way out at once, or one chunk */
#define LEAVING_HUGE 4

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The unit that counts for a pool: the largest of those that have come. */
static uint64_t unit_of(const struct frames *f, unsigned pool)
{
	int huge = f->pool_of[REGION_PMD] == pool && evict_resident(&f->evict[REGION_PMD]);

	return frames_unit_bytes(f, huge || pool ? REGION_PMD : REGION_PTE);
}

/* Bytes that the pool has for cached pages that may come and go; 0 when it has room for all
 * there are, so that nothing needs to be kept free. */
static uint64_t cache_bytes(const struct frames *f, unsigned pool)
{
	const struct frames_pool *p = &f->pool[pool];
	uint64_t all = 0;

	for (int kind = 0; kind < REGION_ZONES; kind++)
		if (f->pool_of[kind] == pool)
			all += f->region->zone[kind].count * f->region->zone[kind].page_bytes;
	return p->budget >= all || p->budget < p->home + p->kept ? 0
	                                                         : p->budget - p->home - p->kept;
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
	return low_mark(&d->memory.frames,
	                d->memory.frames.pool_of[frames_zone(&d->memory.frames, page)]);
}

/* --- giving up --- */

/* Whether a page of the unit is being asked for, or has just been granted. */
static int is_busy(struct dsm *d, uint64_t unit, uint64_t end)
{
	struct coh_page_info info;

	for (uint64_t page = unit; page < end; page++) {
		if (!frames_ready(&d->memory.frames, page))
			continue;
		coh_page_info(d->engine.coh, page, &info);
		if (info.held || info.cache_state == COH_C_IS_D || info.cache_state == COH_C_IM_D ||
		    info.cache_state == COH_C_SM_A)
			return 1;
	}
	return 0;
}

/* Gives a page up that is not busy. 0, -EBUSY, -EAGAIN: no slot. */
static int give_up(struct dsm *d, uint64_t page)
{
	struct coh_event ev = {.kind = COH_EV_EVICT, .page = page};
	unsigned was = coh_cache_state_of(d->engine.coh, page);
	int rc;

	if (was == COH_C_MI_A || was == COH_C_II_A)
		return 0; /* it is on its way */
	rc = node_step(d, &ev);
	if (rc)
		return rc;
	if (was == COH_C_M && coh_is_secure(&d->engine.cfg, page))
		return -EBUSY; /* it can be when it is on two nodes, which begins now */
	d->reclaim.shared += was == COH_C_S;
	d->reclaim.modified += was == COH_C_M;
	d->engine.handled++;
	return 0;
}

/* Goes on giving up the pages of a unit. Between two goes a thread may have come to want one
 * of them: then the others stay too. 0, or -EAGAIN: no slot for the next. */
static int give_up_rest(struct dsm *d, struct reclaim_pool *r)
{
	struct frames *f = &d->memory.frames;
	struct evict *e = &f->evict[r->unit < r->end ? frames_zone(f, r->unit) : REGION_PTE];
	int rc = 0;

	if (r->next < r->end && evict_list_of(e, r->unit) != EVICT_LEAVING)
		r->next = r->end;
	while (r->next < r->end && rc == 0) {
		if (frames_ready(f, r->next))
			rc = give_up(d, r->next);
		r->next += rc == 0;
	}
	if (rc == 0 || rc == -EAGAIN)
		return rc;
	evict_kept(e, r->unit);
	r->next = r->end;
	return 0;
}

/* -EAGAIN: for lack of a slot not all of it yet; -EBUSY. */
static int give_unit_up(struct dsm *d, struct reclaim_pool *r, uint64_t unit)
{
	r->unit = r->next = unit;
	r->end = frames_unit_end(&d->memory.frames, unit);
	if (!is_busy(d, unit, r->end))
		return give_up_rest(d, r);
	r->next = r->end;
	return -EBUSY;
}

/* The zone of this pool that caches most. */
static struct evict *zone_to_shrink(struct frames *f, unsigned pool)
{
	uint64_t most = 0;
	int which = -1;

	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const struct evict *e = &f->evict[kind];
		uint64_t n = evict_resident(e) - evict_leaving(e) - evict_pinned(e);
		if (f->pool_of[kind] != pool || !n)
			continue;
		if (which < 0 || n * frames_unit_bytes(f, kind) > most) {
			most = n * frames_unit_bytes(f, kind);
			which = kind;
		}
	}
	return which < 0 ? NULL : &f->evict[which];
}

static int enough_leave(const struct frames *f)
{
	return evict_leaving(&f->evict[REGION_PTE]) * f->unit_pages[REGION_PTE] >= LEAVING_PAGES ||
	       evict_leaving(&f->evict[REGION_PMD]) >= LEAVING_HUGE;
}

/* Until want bytes will be free. Returns how many units are being given up. */
static unsigned reclaim(struct dsm *d, unsigned pool, int64_t want)
{
	struct frames *f = &d->memory.frames;
	unsigned n = 0;

	for (unsigned i = 0; i < TRIES && frames_free_soon(f, pool) < want; i++) {
		struct evict *e = zone_to_shrink(f, pool);
		uint64_t unit;
		int rc;
		if (!e || enough_leave(f) || evict_next(e, &unit))
			break;
		rc = give_unit_up(d, &d->reclaim.pool[pool], unit);
		n += rc != -EBUSY;
		if (rc == -EBUSY)
			evict_kept(e, unit);
		if (rc == -EAGAIN)
			break;
	}
	return n;
}

static void reclaim_pool(struct dsm *d, unsigned pool)
{
	struct frames *f = &d->memory.frames;
	struct reclaim_pool *r = &d->reclaim.pool[pool];
	int64_t free = frames_free_soon(f, pool), high = (int64_t)high_mark(f, pool);
	unsigned n = 0;

	if (r->short_of && high < (int64_t)unit_of(f, pool))
		high = (int64_t)unit_of(f, pool); /* all that might go is pinned */

	if (give_up_rest(d, r) == -EAGAIN)
		return;
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
	if (r->stuck)
		waits_room(&d->waits);
}

void node_reclaim(struct dsm *d)
{
	for (unsigned pool = 0; pool < REGION_ZONES && !d->members.lost; pool++)
		if (frames_cached(&d->memory.frames, pool))
			reclaim_pool(d, pool);
		else
			d->reclaim.pool[pool].short_of = d->reclaim.pool[pool].stuck = 0;
}

int node_reclaim_waits(const struct dsm *d)
{
	return d->reclaim.pool[0].short_of || d->reclaim.pool[1].short_of;
}

/* --- frames for faults --- */

/* Beyond the budget there are as many frames as one instruction may need at once, each in
 * its unit. */
static int may_exceed(const struct dsm *d, uint64_t page, unsigned pool)
{
	const struct frames *f = &d->memory.frames;
	uint64_t bytes = frames_unit_bytes(f, frames_zone(f, page));

	/* A huge page that is taken from nowhere is taken from another node's pool. */
	if (d->memory.region.pooled && frames_zone(f, page) == REGION_PMD)
		return 0;
	return (d->reclaim.pool[pool].stuck || !frames_cached(f, pool)) &&
	       frames_cached(f, pool) - f->pool[pool].kept + bytes <= BUDGET_FLOOR_PAGES * bytes;
}

int node_frame_for(struct dsm *d, uint64_t page)
{
	struct frames *f = &d->memory.frames;
	unsigned pool = f->pool_of[frames_zone(f, page)];

	if (frames_stays(f, page))
		return 0; /* its use is noted when the request is on its way */
	if (frames_have_room(f, page, 1, 0) || may_exceed(d, page, pool)) {
		if (frames_want(f, page, 1, 1) == 0)
			return 0;
		if (node_is_home(d, page) || !frames_cached(f, pool))
			return -ENOSPC;
		/* The machine has less than was thought: it has to do with what there is. */
		if (f->pool[pool].budget > f->pool[pool].used) {
			f->pool[pool].budget = f->pool[pool].used;
			log_line(&d->log, DSM_LOG_WARN, "this machine has no more memory for pages: "
			         "going on with %llu bytes",
			         (unsigned long long)f->pool[pool].budget);
		}
	}
	d->reclaim.pool[pool].short_of = 1;
	return -EAGAIN;
}
