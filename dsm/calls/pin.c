/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_pin, dsm_unpin: getting pages, and holding them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <utlist.h>

#include "dsm/calls/pin.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

/* Waits for whatever the node does next. */
static void wait_step(struct dsm *d)
{
	d->pins.waiting++;
	progress_kick(&d->progress); /* it may have a tenure to end that nobody waited for */
	node_wait_room(d);
	d->pins.waiting--;
}

/* Asks for the page, and waits for it. What is read alone may be granted to be written; of two pages
 * none is, but these are refused where somebody holds the first. */
static int ask(struct dsm *d, const struct pin *p, int write, unsigned run, const sigset_t *mask)
{
	struct trap_fault f = {.page = p->page, .thread = clock_thread(), .write = write};
	int rc = node_fault_wait(d, &f, run, "dsm_pin", mask);

	if (rc == -EAGAIN)
		wait_step(d);
	return rc == -EAGAIN ? 0 : rc;
}

static int give_up(struct dsm *d, const struct pin *p)
{
	struct coh_event ev = {.kind = COH_EV_EVICT, .page = p->page};
	int rc = node_step(d, &ev);

	if (rc == -EAGAIN || rc == -EBUSY)
		wait_step(d);
	return rc == -EAGAIN || rc == -EBUSY ? 0 : rc;
}

/* One step towards a page that is held. A page that is here already without the hold that
 * its home needs, or in M for reading, or about to be taken away, is asked for anew. */
static int approach(struct dsm *d, struct pin *p, int *asked, const sigset_t *mask)
{
	const struct coh_event open = {.kind = COH_EV_WRITE, .page = p->page}; /* after a freeze */
	unsigned state = coh_cache_state_of(d->engine.coh, p->page), run;

	if (d->freeze.what) { /* whoever holds a page may write it, past the trap */
		wait_step(d);
		return 0;
	}
	if (!node_is_home(d, p->page) && pins_may_hold(d, p)) {
		if (p->write && d->trap->ops->access(d->trap, p->page) != TRAP_WRITE)
			node_step(d, &open);
		pins_hold(d, p);
		return 0;
	}
	switch (state) {
	case COH_C_MI_A: wait_step(d); return 0;
	case COH_C_M:
	case COH_C_S:
		if (state == COH_C_S && p->write)
			break;
		/* It was granted, but the core had no hold for it. */
		if (*asked && pins_is_there(d, p))
			wait_step(d);
		p->migratory |= *asked && state == COH_C_M;
		*asked = 0;
		return p->held ? 0 : give_up(d, p);
	default: break;
	}
	run = p->migratory && !*asked ? 2 : 1;
	*asked = 1;
	return ask(d, p, p->write || state == COH_C_SM_A, run, mask);
}

static int pin_page(struct dsm *d, uint64_t page, int write, const sigset_t *mask)
{
	struct pin *p = pins_get(d, page);
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
		pins_put(d, p);
	return rc;
}

static void unpin(struct dsm *d, uint64_t first, uint64_t end)
{
	for (uint64_t page = first; page < end; page++) {
		struct pin *p = pins_at(d, page);
		p->pins--;
		pins_put(d, p);
	}
}

/* Whether the pages can be pinned beside those that are, as far as can be told now. */
static int check(struct dsm *d, uint64_t first, uint64_t end, int write)
{
	unsigned pool = d->memory.frames.pool_of[frames_zone(&d->memory.frames, first)];
	uint64_t home = 0, bytes = 0, unit = UINT64_MAX;

	for (uint64_t page = first; page < end; page++) {
		struct pin *p = pins_at(d, page);
		if (p && write && !p->write)
			return DSM_ERR_BUSY;
		home += !p && node_is_home(d, page);
		if (node_is_home(d, page) || frames_unit(&d->memory.frames, page) == unit ||
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
	void *at = NULL;

	if (d->pins.at)
		return 0;
	if (mm_map(NULL, d->memory.region.pages * sizeof *d->pins.at, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &at))
		return DSM_ERR_NOMEM;
	d->pins.at = at;
	return 0;
}

int dsm_pin(dsm_t *d, const void *ptr, size_t bytes, int mode)
{
	NODE_ENTRY(dsm_pin, d, ptr, bytes, mode);
	uint64_t first, end, page;
	sigset_t mask;
	int rc;

	if (region_kind_of(&d->memory.region, ptr, bytes) < 0 ||
	    (mode != DSM_PIN_READ && mode != DSM_PIN_WRITE) || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (d->view.on)
		return DSM_ERR_NOTSUP;
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
	NODE_ENTRY(dsm_unpin, d, ptr, bytes);
	uint64_t first, end;
	sigset_t mask;
	int rc = 0;

	if (region_kind_of(&d->memory.region, ptr, bytes) < 0 || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (bytes == 0)
		return 0;
	first = region_page_of(&d->memory.region, ptr);
	end = region_page_of(&d->memory.region, (const uint8_t *)ptr + bytes - 1) + 1;
	node_lock(d, &mask);
	for (uint64_t page = first; page < end && rc == 0; page++) {
		struct pin *p = pins_at(d, page);
		if (!p || !p->pins)
			rc = DSM_ERR_INVAL;
	}
	if (rc == 0)
		unpin(d, first, end);
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc;
}

/* Through the frame, which no trap is on: a page that never comes is an error here, and not
 * SIGBUS. */
static int clear_page(struct dsm *d, uint64_t page, size_t from, size_t bytes)
{
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	rc = d->members.lost ? DSM_ERR_LOST : open_table(d);
	if (rc == 0)
		rc = check(d, page, page + 1, 1);
	if (rc == 0)
		rc = pin_page(d, page, 1, &mask);
	d->pins.clearing += rc == 0;
	node_unlock(d, &mask);
	if (rc)
		return rc;
	memset((uint8_t *)region_frame_at(&d->memory.region, page) + from, 0, bytes);
	node_lock(d, &mask);
	d->pins.clearing--;
	unpin(d, page, page + 1);
	waits_room(&d->waits); /* see freeze_begin() */
	node_hand_over(d);
	node_unlock(d, &mask);
	return 0;
}

int pin_and_clear(struct dsm *d, void *at, size_t bytes, size_t *done)
{
	uint64_t page = region_page_of(&d->memory.region, at);
	const size_t page_bytes = region_zone_of(&d->memory.region, page)->page_bytes;
	size_t from = (uintptr_t)at % page_bytes;
	int rc = 0;

	for (*done = 0; *done < bytes && rc == 0; page++) {
		size_t part = page_bytes - from;

		if (part > bytes - *done)
			part = bytes - *done;
		rc = clear_page(d, page, from, part);
		*done += rc ? 0 : part;
		from = 0;
	}
	return rc;
}
