/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_fetch_add, dsm_swap, dsm_compare_swap. */
#include <errno.h>

#include "dsm/calls/keep2.h"
#include "dsm/calls/order.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

/* By the home of its page. */
static int atomic_there(struct dsm *d, void *ptr, uint64_t page, const struct coh_atomic *a, uint64_t *old)
{
	struct coh_event ev = {.kind = COH_EV_ATOMIC, .page = page, .atomic = *a};
	struct waiter w = {.what = "atomic"};
	int rc;

	ev.atomic.offset = (uint8_t *)ptr - (uint8_t *)region_window_at(&d->memory.region, page);
	rc = node_call_wait(d, &ev, &w);
	*old = w.result[0];
	return rc == -EIO ? DSM_ERR_LOST_DATA : rc;
}

static int atomic_call(struct dsm *d, void *ptr, struct coh_atomic a, uint64_t *old)
{
	int64_t page = region_page_of(&d->memory.region, ptr);
	int rc;

	if (page < 0 || (uintptr_t)ptr % a.width)
		return DSM_ERR_INVAL;
	order_release(ptr);
	rc = coh_is_secure(&d->engine.cfg, (uint64_t)page) ?
	             keep2_atomic(d, ptr, &a, old) :
	             atomic_there(d, ptr, (uint64_t)page, &a, old);
	order_acquire(ptr);
	return rc;
}

/* For the program, which may tell others what it has stored before, by a socket, say: also if this stores nothing. */
static int atomic_told(struct dsm *d, void *ptr, struct coh_atomic a, uint64_t *old)
{
	int rc = atomic_call(d, ptr, a, old);

	return rc || !keep2_has(d, ptr) ? rc : node_secure(d);
}

static int atomic32(struct dsm *d, uint32_t *ptr, unsigned op, uint32_t operand, uint32_t compare,
                    uint32_t *old)
{
	struct coh_atomic a = {.op = op, .width = 4, .operand = operand, .compare = compare};
	uint64_t was = 0;
	int rc = atomic_told(d, ptr, a, &was);

	if (rc == 0 && old)
		*old = (uint32_t)was;
	return rc;
}

static int atomic64(struct dsm *d, uint64_t *ptr, unsigned op, uint64_t operand, uint64_t compare,
                    uint64_t *old)
{
	struct coh_atomic a = {.op = op, .width = 8, .operand = operand, .compare = compare};
	uint64_t was = 0;
	int rc = atomic_told(d, ptr, a, &was);

	if (rc == 0 && old)
		*old = was;
	return rc;
}

int word_add_there(struct dsm *d, void *at, unsigned width, uint64_t value, uint64_t *old)
{
	const struct coh_atomic a = {.op = COH_OP_FETCH_ADD, .width = width, .operand = value};

	return atomic_call(d, at, a, old);
}

int word_compare_swap_there(struct dsm *d, void *at, unsigned width, uint64_t expected,
                            uint64_t desired, uint64_t *old)
{
	const struct coh_atomic a = {.op = COH_OP_COMPARE_SWAP, .width = width, .operand = desired,
	                             .compare = expected};

	return atomic_call(d, at, a, old);
}

int dsm_fetch_add32(dsm_t *d, uint32_t *ptr, uint32_t value, uint32_t *old)
{
	NODE_ENTRY(dsm_fetch_add32, d, ptr, value, old);
	return atomic32(d, ptr, COH_OP_FETCH_ADD, value, 0, old);
}

int dsm_fetch_add64(dsm_t *d, uint64_t *ptr, uint64_t value, uint64_t *old)
{
	NODE_ENTRY(dsm_fetch_add64, d, ptr, value, old);
	return atomic64(d, ptr, COH_OP_FETCH_ADD, value, 0, old);
}

int dsm_swap32(dsm_t *d, uint32_t *ptr, uint32_t value, uint32_t *old)
{
	NODE_ENTRY(dsm_swap32, d, ptr, value, old);
	return atomic32(d, ptr, COH_OP_SWAP, value, 0, old);
}

int dsm_swap64(dsm_t *d, uint64_t *ptr, uint64_t value, uint64_t *old)
{
	NODE_ENTRY(dsm_swap64, d, ptr, value, old);
	return atomic64(d, ptr, COH_OP_SWAP, value, 0, old);
}

int dsm_compare_swap32(dsm_t *d, uint32_t *ptr, uint32_t expected, uint32_t desired, uint32_t *old)
{
	NODE_ENTRY(dsm_compare_swap32, d, ptr, expected, desired, old);
	return atomic32(d, ptr, COH_OP_COMPARE_SWAP, desired, expected, old);
}

int dsm_compare_swap64(dsm_t *d, uint64_t *ptr, uint64_t expected, uint64_t desired, uint64_t *old)
{
	NODE_ENTRY(dsm_compare_swap64, d, ptr, expected, desired, old);
	return atomic64(d, ptr, COH_OP_COMPARE_SWAP, desired, expected, old);
}
