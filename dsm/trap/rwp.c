/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rwp engine (Linux 7.3 or later with CONFIG_USERFAULTFD_RWP): what is written by
 * turns is protected by RWP and stays mapped; what is read by many is under WP. rwp.h has
 * how that goes together.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/trap/engines.h"
#include "dsm/trap/rwp.h"

/* ------------------------------------------------------------- set_access -- */

/* For a run in mode WP. */
static int set_in_wp(struct rwp *rwp, struct run run, enum trap_access access)
{
	int r = access == TRAP_NONE ? base_take(&rwp->base, run)
	                            : base_give(&rwp->base, run, access);

	rwp_settle(rwp, run);
	return r;
}

/* For a run in mode RWP. */
static int set_in_rwp(struct rwp *rwp, struct run run, enum trap_access access)
{
	int r;

	if (access == TRAP_READ) {
		/* The switch leaves accesses alone, and these are NONE by then. */
		r = rwp_take(rwp, run);
		if (!r)
			r = rwp_to_wp(rwp, run);
		return r ? r : set_in_wp(rwp, run, TRAP_READ);
	}
	r = access == TRAP_NONE ? rwp_take(rwp, run) : rwp_give(rwp, run);
	rwp_note(rwp, run);
	return r;
}

static int rwp_set_access(struct trap *trap, uint64_t first, uint32_t n, enum trap_access access)
{
	struct rwp *rwp = rwp_of(trap);
	uint64_t end = first + n;

	assert(end <= rwp->base.region->pages);
	for (;;) {
		if (access == TRAP_NONE) /* what was never granted is not mapped */
			first = access_map_next_touched(&rwp->base.map, first);
		if (first >= end)
			return 0;
		struct run run = base_run(&rwp->base, first, end - first);
		int r;

		if (access == TRAP_NONE && run.n > ACCESS_MAP_BLOCK - first % ACCESS_MAP_BLOCK)
			run.n = ACCESS_MAP_BLOCK - first % ACCESS_MAP_BLOCK;
		run = rwp_same_mode(rwp, run);
		r = rwp_extent_of(rwp, first)->wp ? set_in_wp(rwp, run, access)
		                                  : set_in_rwp(rwp, run, access);
		if (r) {
			if (r != -EFAULT)
				base_say(&rwp->base, DSM_LOG_ERROR,
				         "pages %llu to %llu cannot be given access %d: %s",
				         (unsigned long long)first, (unsigned long long)end - 1,
				         access, strerror(-r));
			return r;
		}
		first += run.n;
	}
}

static int rwp_refuse(struct trap *trap, uint64_t page, int for_ever)
{
	struct rwp *rwp = rwp_of(trap);
	int r = rwp_set_access(trap, page, 1, TRAP_NONE);

	if (r)
		return r;
	rwp_forget(trap, page, 1); /* its entry goes */
	access_map_touch(&rwp->base.map, page); /* there is a mark to be removed */
	return base_refuse(&rwp->base, base_run(&rwp->base, page, 1), for_ever);
}

/* Where there is RWP there is poison. */
static int rwp_admit(struct trap *trap, uint64_t page)
{
	return rwp_set_access(trap, page, 1, TRAP_NONE);
}

/* ------------------------------------------------------------------- others -- */

static int rwp_fd(const struct trap *trap)
{
	return rwp_of(trap)->base.signal ? -1 : rwp_of(trap)->poll_fd;
}

static enum trap_mode rwp_mode(const struct trap *trap, uint64_t page)
{
	return rwp_extent_of(rwp_of(trap), page)->wp ? TRAP_MODE_WP : TRAP_MODE_RWP;
}

static void rwp_stats(const struct trap *trap, struct trap_stats *out)
{
	const struct rwp *rwp = rwp_of(trap);

	base_stats(trap, out);
	out->faults_rwp = atomic_load_explicit(&rwp->faults_rwp, memory_order_relaxed);
	out->to_wp = atomic_load_explicit(&rwp->to_wp, memory_order_relaxed);
	out->to_rwp = atomic_load_explicit(&rwp->to_rwp, memory_order_relaxed);
	out->stayed_wp = atomic_load_explicit(&rwp->stayed_wp, memory_order_relaxed);
}

/* --------------------------------------------------------- begin and end -- */

static int rwp_probe(enum trap_delivery delivery, char *why, size_t len)
{
	struct uffd_caps caps;

	uffd_caps_read(&caps, delivery == TRAP_SIGNAL);
	return uffd_caps_check(&caps, UFFD_NEED_SHMEM | UFFD_NEED_RWP, why, len);
}

static void rwp_detach(struct trap *trap)
{
	struct rwp *rwp = rwp_of(trap);

	if (!trap)
		return;
	/* Closing the descriptor releases a move that nobody waited for to the end. */
	base_close(&rwp->base);
	rwp_move_close(rwp);
	rwp_extents_close(rwp);
	pthread_mutex_destroy(&rwp->reading);
	free(rwp);
}

static int rwp_attach(const struct trap_config *config, struct trap **out)
{
	struct rwp *rwp = calloc(1, sizeof *rwp);
	int r;

	if (!rwp)
		return -ENOMEM;
	rwp->mover.done_fd = rwp->kept_fd = rwp->poll_fd = -1;
	pthread_mutex_init(&rwp->reading, NULL);
	r = base_open(&rwp->base, &trap_rwp_ops, config, UFFD_NEED_RWP, RWP_MODES);
	if (r)
		goto err_free;
	r = rwp_extents_open(rwp);
	if (!r)
		r = rwp_move_open(rwp);
	if (r) {
		base_say(&rwp->base, DSM_LOG_ERROR, "the window cannot be trapped: %s",
		         strerror(-r));
		goto err_close;
	}
	*out = &rwp->base.trap;
	return 0;

err_close:
	base_close(&rwp->base);
	rwp_move_close(rwp);
	rwp_extents_close(rwp);
err_free:
	pthread_mutex_destroy(&rwp->reading);
	free(rwp);
	return r;
}

const struct trap_ops trap_rwp_ops = {
	.name = "rwp",
	.probe = rwp_probe,
	.attach = rwp_attach,
	.set_access = rwp_set_access,
	.forget = rwp_forget,
	.access = base_access,
	.mode = rwp_mode,
	.next_touched = base_next_touched,
	.next_fault = rwp_next_fault,
	.place = rwp_place,
	.refuse = rwp_refuse,
	.admit = rwp_admit,
	.wake = base_wake,
	.fd = rwp_fd,
	.stats = rwp_stats,
	.detach = rwp_detach,
};
