/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_pin, dsm_unpin: getting pages, and holding them against all others. */
#include "dsm/node/pins.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <utlist.h>

#include "dsm/memory/mm.h"
#include "dsm/node/node.h"

#define SPARE_HOLDS 64

static struct pin *pin_at(const struct dsm *d, uint64_t page)
{
	return d->pins.all ? d->pins.at[page] : NULL;
}

static int is_home(const struct dsm *d, uint64_t page)
{
	return coh_home_of(&d->engine.cfg, page) == d->engine.cfg.self;
}

/* --- holding --- */

static void hold(struct dsm *d, struct pin *p)
{
	if (p->held)
		return;
	p->held = 1;
	p->since_ns = clock_now_ns();
	d->pins.held++;
	frames_keep(&d->memory.frames, p->page);
}

/* The page is here as p wants it. For reading that is S, not M: then other nodes may read it
 * all the while. */
static int is_there(const struct dsm *d, const struct pin *p)
{
	return coh_cache_state_of(d->engine.coh, p->page) == (p->write ? COH_C_M : COH_C_S);
}

/* And it is not about to be taken away. */
static int may_hold(const struct dsm *d, const struct pin *p)
{
	struct coh_page_info info;

	coh_page_info(d->engine.coh, p->page, &info);
	return is_there(d, p) && !info.deferred;
}

void pins_granted(struct dsm *d, uint64_t first, uint32_t n, enum coh_access access)
{
	if (!d->pins.all || access == COH_NONE)
		return;
	for (uint64_t page = first; page < first + n; page++) {
		struct pin *p = pin_at(d, page);
		if (p && !is_home(d, page) && may_hold(d, p))
			hold(d, p);
	}
}

int pins_take_hold(struct dsm *d, uint64_t page, unsigned slot)
{
	struct pin *p = pin_at(d, page);

	if (!p || !is_home(d, page) || (!p->held && !is_there(d, p)))
		return 0;
	/* An upgrade has ended the hold before this one. */
	if (p->slot >= 0)
		tenure_start(&d->tenure, (unsigned)p->slot, 0, clock_now_ns());
	p->slot = (int32_t)slot;
	hold(d, p);
	return 1;
}

/* --- keeping others out --- */

static int is_against(const struct pin *p, unsigned type)
{
	return p && p->held &&
	       (type == COH_MSG_INV || type == COH_MSG_FWD_GETM ||
	        (type == COH_MSG_FWD_GETS && p->write));
}

/* A run is one transaction: while its first page is waited for, the others are not to be had
 * for anybody. 0 when there are more than there may be: the core will refuse it. */
static int keep_run(struct dsm *d, struct pin *p, coh_node from, const struct coh_msg *m)
{
	struct pin_run *run = d->pins.free;

	if (!run)
		return 0;
	LL_DELETE(d->pins.free, run);
	run->from = from;
	run->msg = *m;
	LL_APPEND(p->runs, run);
	return 1;
}

int pins_keep(struct dsm *d, coh_node from, struct coh_msg *m)
{
	struct pin *p;

	if (!d->pins.all || m->page >= d->memory.region.pages)
		return 0;
	p = pin_at(d, m->page);
	if (is_home(d, m->page))
		return p && p->write && m->type == COH_MSG_GETS && m->n > 1 &&
		       keep_run(d, p, from, m);
	/* Whether the home may ask for that is for the core to judge. */
	if (is_against(p, m->type) && !p->kept) {
		p->msg = *m;
		p->kept = 1;
		pthread_cond_broadcast(&d->waits.room); /* see in_own_run() */
		return 1;
	}
	if (m->type == COH_MSG_FWD_GETS)
		for (uint16_t k = 1; k < m->n && m->page + k < d->memory.region.pages; k++)
			if (is_against(pin_at(d, m->page + k), m->type))
				m->n = k;
	return 0;
}

int pins_writer_waits(struct dsm *d, uint64_t page)
{
	struct pin *p = pin_at(d, page);
	struct coh_page_info info;

	if (!p || !p->held || p->slot < 0)
		return 0;
	coh_page_info(d->engine.coh, page, &info);
	if (info.cache_state != COH_C_S)
		return 0;
	/* The upgrade ends the core's hold: nobody else may be before it then, and there must
	 * be another one. */
	if (info.deferred)
		return 1;
	return info.request == COH_MSG_NONE && !info.queued &&
	                       d->tenure.running + d->pins.home + SPARE_HOLDS <= TENURE_SLOTS
	               ? 0 : -EAGAIN;
}

/* --- the end --- */

static struct pin *pin_get(struct dsm *d, uint64_t page)
{
	struct pin *p = pin_at(d, page);

	if (p)
		return p;
	p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->page = page;
	p->slot = -1;
	d->pins.at[page] = p;
	DL_APPEND(d->pins.all, p);
	d->pins.home += is_home(d, page);
	return p;
}

static void pin_free(struct dsm *d, struct pin *p)
{
	LL_CONCAT(d->pins.free, p->runs);
	d->pins.at[p->page] = NULL;
	DL_DELETE(d->pins.all, p);
	d->pins.home -= is_home(d, p->page);
	free(p);
}

/* What waited for it goes on. */
static void pin_end(struct dsm *d, struct pin *p)
{
	struct coh_event timer = {.kind = COH_EV_TIMER, .slot = (uint16_t)p->slot};
	struct coh_event msg = {.kind = COH_EV_MSG,
	                        .from = coh_home_of(&d->engine.cfg, p->page),
	                        .msg = p->msg};
	int slot = p->slot, kept = p->kept;
	struct pin_run *runs = p->runs, *run;
	uint64_t page = p->page;

	if (p->held) {
		frames_unkeep(&d->memory.frames, page);
		d->pins.held--;
	}
	p->runs = NULL;
	pin_free(d, p);
	if (d->members.lost) {
		LL_CONCAT(d->pins.free, runs);
		return;
	}
	if (slot >= 0)
		node_step(d, &timer);
	if (kept)
		node_take_message(d, &msg);
	while ((run = runs)) {
		struct coh_event ev = {.kind = COH_EV_MSG, .from = run->from, .msg = run->msg};
		LL_DELETE(runs, run);
		LL_PREPEND(d->pins.free, run);
		node_take_message(d, &ev);
	}
	d->trap->ops->wake(d->trap, page, 1);
	node_faults_woken(d, page, 1);
}

static void pin_put(struct dsm *d, struct pin *p)
{
	if (!p->pins && !p->wanting)
		pin_end(d, p);
}

void pins_end(struct dsm *d)
{
	struct pin *p, *next;

	DL_FOREACH_SAFE(d->pins.all, p, next)
		pin_end(d, p);
}

void pins_close(struct dsm *d)
{
	while (d->pins.all)
		pin_free(d, d->pins.all);
	if (d->pins.at)
		mm_unmap(d->pins.at, d->memory.region.pages * sizeof *d->pins.at);
	d->pins.at = NULL;
	free(d->pins.runs);
	d->pins.runs = d->pins.free = NULL;
}

void pins_check(struct dsm *d, uint64_t now, uint64_t warn_ns)
{
	struct coh_page_info info;
	struct pin *p;

	DL_FOREACH(d->pins.all, p) {
		if (!p->held || p->warned || now - p->since_ns < warn_ns)
			continue;
		coh_page_info(d->engine.coh, p->page, &info);
		if (!p->kept && !p->runs && !(p->slot >= 0 && info.deferred))
			continue;
		p->warned = 1;
		log_line(&d->log, DSM_LOG_WARN,
		         "page %llu has been pinned for %llu s, and another node waits for it",
		         (unsigned long long)p->page,
		         (unsigned long long)((now - p->since_ns) / 1000000000));
	}
}

/* --- getting pages --- */

/* Waits for whatever the node does next. */
static void wait_step(struct dsm *d)
{
	d->pins.waiting++;
	loop_kick(d); /* it may have a tenure to end that nobody waited for */
	node_wait_room(d);
	d->pins.waiting--;
}

/* Asks for the page as a thread that has faulted on it, and waits until it is woken. What is
 * read alone may be granted to be written; of two pages none is. */
static int ask(struct dsm *d, const struct pin *p, int write, const sigset_t *mask)
{
	struct trap_fault f = {.page = p->page, .thread = clock_thread(), .write = write};
	struct waiter w;
	sigset_t all;
	int rc = node_frame_for(d, p->page);

	if (rc == -ENOSPC)
		return DSM_ERR_NOMEM;
	node_waiter_add(d, &w, "dsm_pin");
	if (rc == 0)
		rc = node_fault_ask(d, &f, p->migratory ? 2 : 1, &w);
	if (rc) {
		if (!node_waiter_is_done(&w)) /* by the end of the job */
			node_waiter_done(d, &w, 0);
		if (rc == -EAGAIN)
			wait_step(d);
		return rc == -EAGAIN ? 0 : rc;
	}
	node_waiter_help(d, &w);
	node_unlock(d, mask);
	node_waiter_sleep(d, &w, -1);
	node_lock(d, &all);
	return w.status;
}

static int give_up(struct dsm *d, const struct pin *p)
{
	struct coh_event ev = {.kind = COH_EV_EVICT, .page = p->page};
	int rc = node_step(d, &ev);

	if (rc == -EAGAIN || rc == -EBUSY)
		wait_step(d);
	return rc == -EAGAIN || rc == -EBUSY ? 0 : rc;
}

/* The page belongs to a run that begins with a page that this node has pinned: its home will
 * do nothing with it before that pin ends. As it was M when the run was asked for, and nobody
 * can take it away, it is good enough for reading. */
static int in_own_run(const struct dsm *d, uint64_t page)
{
	for (uint64_t k = 1; k < COH_MAX_RUN && k <= page; k++) {
		const struct pin *p = pin_at(d, page - k);
		if (p && p->kept && p->msg.n > k)
			return 1;
	}
	return 0;
}

/* One step towards a page that is held. A page that is here already without the hold that
 * its home needs, or in M for reading, or about to be taken away, is asked for anew. */
static int approach(struct dsm *d, struct pin *p, int *asked, const sigset_t *mask)
{
	unsigned state = coh_cache_state_of(d->engine.coh, p->page);

	if (!is_home(d, p->page) &&
	    (may_hold(d, p) || (!p->write && (state == COH_C_M || state == COH_C_MI_A) &&
	                        in_own_run(d, p->page)))) {
		hold(d, p);
		return 0;
	}
	switch (state) {
	case COH_C_MI_A: wait_step(d); return 0;
	case COH_C_M:
	case COH_C_S:
		if (state == COH_C_S && p->write)
			break;
		/* It was granted, but the core had no hold for it. */
		if (*asked && is_there(d, p))
			wait_step(d);
		p->migratory |= *asked && state == COH_C_M;
		*asked = 0;
		return p->held ? 0 : give_up(d, p);
	default: break;
	}
	*asked = 1;
	return ask(d, p, p->write || state == COH_C_SM_A, mask);
}

static int pin_page(struct dsm *d, uint64_t page, int write, const sigset_t *mask)
{
	struct pin *p = pin_get(d, page);
	int rc = 0, asked = 0;

	if (!p)
		return DSM_ERR_NOMEM;
	if (write && !p->write && p->held)
		return DSM_ERR_BUSY;
	p->write |= write;
	p->wanting++;
	while (!p->held && !d->members.lost && rc == 0)
		rc = approach(d, p, &asked, mask);
	p->wanting--;
	if (d->members.lost)
		rc = DSM_ERR_LOST;
	if (rc == 0)
		p->pins++;
	else
		pin_put(d, p);
	return rc;
}

static void unpin(struct dsm *d, uint64_t first, uint64_t end)
{
	for (uint64_t page = first; page < end; page++) {
		struct pin *p = pin_at(d, page);
		p->pins--;
		pin_put(d, p);
	}
}

/* --- calls --- */

/* Whether the pages can be pinned beside those that are, as far as can be told now. */
static int check(struct dsm *d, uint64_t first, uint64_t end, int write)
{
	unsigned pool = d->memory.frames.pool_of[frames_zone(&d->memory.frames, first)];
	uint64_t home = 0, bytes = 0, unit = UINT64_MAX;

	for (uint64_t page = first; page < end; page++) {
		struct pin *p = pin_at(d, page);
		if (p && write && !p->write)
			return DSM_ERR_BUSY;
		home += !p && is_home(d, page);
		if (is_home(d, page) || frames_unit(&d->memory.frames, page) == unit ||
		    frames_is_kept(&d->memory.frames, page))
			continue;
		unit = frames_unit(&d->memory.frames, page);
		bytes += frames_unit_bytes(&d->memory.frames, frames_zone(&d->memory.frames, page));
	}
	return d->pins.home + home > PIN_HOME_PAGES ||
	                       !frames_may_keep(&d->memory.frames, pool, bytes)
	               ? DSM_ERR_NOMEM
	               : 0;
}

static int open_table(struct dsm *d)
{
	size_t n = (size_t)NODE_PER_HOME * d->engine.cfg.nodes;
	void *at = NULL;

	if (d->pins.runs)
		return 0;
	if (!d->pins.at &&
	    mm_map(NULL, d->memory.region.pages * sizeof *d->pins.at, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &at))
		return DSM_ERR_NOMEM;
	d->pins.at = at;
	d->pins.runs = calloc(n, sizeof *d->pins.runs);
	if (!d->pins.runs)
		return DSM_ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		LL_PREPEND(d->pins.free, &d->pins.runs[i]);
	return 0;
}

int dsm_pin(dsm_t *d, const void *ptr, size_t bytes, int mode)
{
	uint64_t first, end, page;
	sigset_t mask;
	int rc;

	if (node_zone_of(d, ptr, bytes) < 0 || (mode != DSM_PIN_READ && mode != DSM_PIN_WRITE))
		return DSM_ERR_INVAL;
	if (bytes == 0)
		return 0;
	page = first = region_page_of(&d->memory.region, ptr);
	end = region_page_of(&d->memory.region, (const uint8_t *)ptr + bytes - 1) + 1;
	node_lock(d, &mask);
	rc = d->members.lost ? DSM_ERR_LOST : open_table(d);
	if (rc == 0)
		rc = check(d, first, end, mode == DSM_PIN_WRITE);
	while (rc == 0 && page < end) {
		rc = pin_page(d, page, mode == DSM_PIN_WRITE, &mask);
		page += rc == 0;
	}
	if (rc)
		unpin(d, first, page);
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc;
}

int dsm_unpin(dsm_t *d, const void *ptr, size_t bytes)
{
	uint64_t first, end;
	sigset_t mask;
	int rc = 0;

	if (node_zone_of(d, ptr, bytes) < 0)
		return DSM_ERR_INVAL;
	if (bytes == 0)
		return 0;
	first = region_page_of(&d->memory.region, ptr);
	end = region_page_of(&d->memory.region, (const uint8_t *)ptr + bytes - 1) + 1;
	node_lock(d, &mask);
	for (uint64_t page = first; page < end && rc == 0; page++) {
		struct pin *p = pin_at(d, page);
		if (!p || !p->pins)
			rc = DSM_ERR_INVAL;
	}
	if (rc == 0)
		unpin(d, first, end);
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc;
}
