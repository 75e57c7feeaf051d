/* SPDX-License-Identifier: BSD-2-Clause */
/* Atomics by the processor, or where the page is. */
#include "dsm/calls/words.h"

#include <string.h>

#include "dsm/calls/order.h"
#include "dsm/node/node.h"

#define FOUGHT_FOR 8 /* so many times without waiting, and a word is like any other */

int word_check(const struct dsm *d, const void *at, unsigned bytes, unsigned align)
{
	const struct region *region = &d->memory.region;

	if (node_is_copy(d) || (uintptr_t)at % align || region_kind_of(region, at, bytes) < 0)
		return DSM_ERR_INVAL;
	return 0;
}

/* Without the lock, which would cost more than what it is asked for. */
static enum coh_access access_of(const struct dsm *d, const void *at)
{
	int64_t page = region_page_of(&d->memory.region, at);

	return page < 0 ? COH_NONE : coh_access_glimpse(d->engine.coh, (uint64_t)page);
}

/* Where nodes may die the page may be lost a moment later, or this node out: then the processor's access
 * would be SIGBUS in a call, which is to say so. */
int word_is_here(const struct dsm *d, const void *at)
{
	return !d->view.on && access_of(d, at) == COH_WRITE;
}

int word_is_readable(const struct dsm *d, const void *at)
{
	return !d->view.on && access_of(d, at) != COH_NONE;
}

/* With the lock held; NULL: it is not here. */
static void *in_frame(const struct dsm *d, const void *at, enum coh_access least)
{
	const struct region *region = &d->memory.region;
	const int64_t page = region_page_of(region, at);

	if (page < 0 || access_of(d, at) < least)
		return NULL;
	return (uint8_t *)region_frame_at(region, (uint64_t)page) +
	       ((const uint8_t *)at - (uint8_t *)region_window_at(region, (uint64_t)page));
}

int word_peek(struct dsm *d, const void *at, unsigned bytes, void *value)
{
	const void *frame;
	sigset_t mask;

	node_lock(d, &mask);
	frame = in_frame(d, at, COH_READ);
	if (frame)
		memcpy(value, frame, bytes);
	node_unlock(d, &mask);
	order_acquire(at);
	return frame != NULL;
}

int word_clear_here(struct dsm *d, void *at, unsigned bytes)
{
	sigset_t mask;
	void *frame;

	order_release(at);
	node_lock(d, &mask);
	frame = in_frame(d, at, COH_WRITE);
	if (frame)
		memset(frame, 0, bytes);
	node_unlock(d, &mask);
	return frame != NULL;
}

/* --- where this node has had to wait --- */

static unsigned fight_of(const void *at)
{
	return (unsigned)((uintptr_t)at / 8 * UINT64_C(0x9e3779b97f4a7c15) >> 40) % COHORT_FIGHTS;
}

int word_is_fought_for(const struct dsm *d, const void *at)
{
	return __atomic_load_n(&d->cohorts.fight[fight_of(at)], __ATOMIC_RELAXED) != 0;
}

void word_waited(struct dsm *d, const void *at)
{
	__atomic_store_n(&d->cohorts.fight[fight_of(at)], FOUGHT_FOR, __ATOMIC_RELAXED);
}

void word_not_waited(struct dsm *d, const void *at)
{
	uint8_t *fight = &d->cohorts.fight[fight_of(at)];
	uint8_t now = __atomic_load_n(fight, __ATOMIC_RELAXED);

	if (now)
		__atomic_store_n(fight, now - 1, __ATOMIC_RELAXED);
}

/* --- atomics --- */

int word_add(struct dsm *d, int near, uint32_t *at, uint32_t value, uint32_t *old)
{
	uint64_t was = 0;
	int rc = 0;

	if (near)
		was = __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
	else
		rc = word_add_there(d, at, sizeof *at, value, &was);
	*old = (uint32_t)was;
	return rc;
}

int word_compare_swap(struct dsm *d, int near, uint32_t *at, uint32_t expected, uint32_t desired,
                      uint32_t *old)
{
	uint64_t was = expected;
	int rc = 0;

	*old = expected;
	if (near)
		__atomic_compare_exchange_n(at, old, desired, 0, __ATOMIC_SEQ_CST,
		                            __ATOMIC_SEQ_CST);
	else if ((rc = word_compare_swap_there(d, at, sizeof *at, expected, desired, &was)) == 0)
		*old = (uint32_t)was;
	return rc;
}

int word_load(struct dsm *d, int near, uint32_t *at, uint32_t *value)
{
	if (!near)
		return word_add(d, 0, at, 0, value);
	*value = __atomic_load_n(at, __ATOMIC_SEQ_CST);
	return 0;
}

int word_add64(struct dsm *d, int near, uint64_t *at, uint64_t value, uint64_t *old)
{
	if (!near)
		return word_add_there(d, at, sizeof *at, value, old);
	*old = __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
	return 0;
}

int word_compare_swap64(struct dsm *d, int near, uint64_t *at, uint64_t expected, uint64_t desired,
                        uint64_t *old)
{
	*old = expected;
	if (!near)
		return word_compare_swap_there(d, at, sizeof *at, expected, desired, old);
	__atomic_compare_exchange_n(at, old, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return 0;
}

int word_load64(struct dsm *d, int near, uint64_t *at, uint64_t *value)
{
	if (!near)
		return word_add64(d, 0, at, 0, value);
	*value = __atomic_load_n(at, __ATOMIC_SEQ_CST);
	return 0;
}
