/* SPDX-License-Identifier: BSD-2-Clause */
/* Atomics on memory of DSM_KEEP2, and clearing it (keep2.h). */
#include "dsm/calls/keep2.h"

#include <errno.h>
#include <string.h>

#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

int keep2_has(const struct dsm *d, const void *at)
{
	const int64_t page = d->engine.cfg.secure_pages ? region_page_of(&d->memory.region, at) : -1;

	return page >= 0 && coh_is_secure(&d->engine.cfg, (uint64_t)page);
}

/* Until something has happened here. */
static void wait_some(struct dsm *d)
{
	node_hand_over(d);
	progress_kick(&d->progress); /* for a frame, or a tenure that nobody waits for */
	node_wait_room(d);
}

/* Asks for the page, and waits for it: 0, whatever has become of it then. */
static int ask(struct dsm *d, uint64_t page, enum coh_access least, const sigset_t *mask)
{
	struct trap_fault f = {.page = page, .thread = clock_thread(), .write = least == COH_WRITE};
	int rc;

	if (f.write)
		node_secure_ahead(d, page);
	rc = node_fault_wait(d, &f, 1, "atomic", mask);
	if (rc == -EAGAIN)
		wait_some(d);
	return rc == -EAGAIN ? 0 : rc;
}

/* The frame of the page when this node may read or write it, with the lock held; *rc: why not. */
static uint8_t *get(struct dsm *d, uint64_t page, enum coh_access least, const sigset_t *mask, int *rc)
{
	for (*rc = 0; *rc == 0;) {
		if (d->members.lost)
			*rc = DSM_ERR_LOST;
		else if (view_has_lost(d, page))
			*rc = DSM_ERR_LOST_DATA;
		else if (d->view.shut)
			wait_some(d);
		else if (coh_access_of(coh_cache_state_of(d->engine.coh, page)) >= least)
			return region_frame_at(&d->memory.region, page);
		else
			*rc = ask(d, page, least, mask);
	}
	return NULL;
}

static size_t offset_in_page(const struct dsm *d, uint64_t page, const void *at)
{
	return (size_t)((const uint8_t *)at - (uint8_t *)region_window_at(&d->memory.region, page));
}

/* One that stores nothing is as good as a load. */
static int may_store(const struct coh_atomic *a)
{
	return a->op != COH_OP_FETCH_ADD || a->operand != 0;
}

static int has_stored(const struct coh_atomic *a, uint64_t old)
{
	const uint64_t compare = a->width == 4 ? (uint32_t)a->compare : a->compare;

	return may_store(a) && (a->op != COH_OP_COMPARE_SWAP || old == compare);
}

/* What may only be read is not touched. */
static uint64_t apply(void *at, const struct coh_atomic *a)
{
	if (may_store(a))
		return node_apply(at, a);
	return a->width == 4 ? __atomic_load_n((const uint32_t *)at, __ATOMIC_SEQ_CST)
	                     : __atomic_load_n((const uint64_t *)at, __ATOMIC_SEQ_CST);
}

int keep2_atomic(struct dsm *d, void *at, const struct coh_atomic *a, uint64_t *old)
{
	const uint64_t page = (uint64_t)region_page_of(&d->memory.region, at);
	sigset_t mask;
	uint8_t *frame;
	int rc;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	frame = get(d, page, may_store(a) ? COH_WRITE : COH_READ, &mask, &rc);
	if (frame) {
		*old = apply(frame + offset_in_page(d, page, at), a);
		d->engine.count[COH_N_ATOMIC]++;
	}
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc || !has_stored(a, *old) ? rc : node_secure(d);
}

int keep2_clear(struct dsm *d, void *at, unsigned bytes)
{
	const uint64_t page = (uint64_t)region_page_of(&d->memory.region, at);
	sigset_t mask;
	uint8_t *frame;
	int rc;

	node_lock(d, &mask);
	frame = get(d, page, bytes ? COH_WRITE : COH_READ, &mask, &rc);
	if (frame)
		memset(frame + offset_in_page(d, page, at), 0, bytes);
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc;
}
