/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wp engine (Linux 6.4 or later): userfaultfd in modes MISSING, MINOR and WP for all
 * of the window. What it does to page tables is in wp_pages.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/trap/base.h"
#include "dsm/trap/engines.h"

static int wp_set_access(struct trap *trap, uint64_t first, uint32_t n, enum trap_access access)
{
	struct base *wp = base_of(trap);
	uint64_t end = first + n;

	assert(end <= wp->region->pages);
	while (first < end) {
		struct run run = base_run(wp, first, end - first);
		int r = access == TRAP_NONE ? base_take(wp, run) : base_give(wp, run, access);

		if (r) {
			if (r != -EFAULT)
				base_say(wp, DSM_LOG_ERROR,
				         "pages %llu to %llu cannot be given access %d: %s",
				         (unsigned long long)first, (unsigned long long)end - 1,
				         access, strerror(-r));
			return r;
		}
		first += run.n;
	}
	return 0;
}

static enum trap_mode wp_mode(const struct trap *trap, uint64_t page)
{
	return TRAP_MODE_WP;
}

static int wp_next_fault(struct trap *trap, struct trap_fault *out)
{
	struct base *wp = base_of(trap);
	struct uffd_msg msg;
	int r;

	if (wp->signal)
		return 0;
	do /* no other event was asked for */
		r = base_read(wp, &msg);
	while (r > 0 && msg.event != UFFD_EVENT_PAGEFAULT);
	if (r <= 0)
		return r;
	*out = base_fault(wp, &msg);
	base_count_fault(wp, out);
	return 1;
}

static int wp_fd(const struct trap *trap)
{
	return base_of(trap)->signal ? -1 : base_of(trap)->fd;
}

static int wp_probe(enum trap_delivery delivery, char *why, size_t len)
{
	struct uffd_caps caps;

	uffd_caps_read(&caps, delivery == TRAP_SIGNAL);
	return uffd_caps_check(&caps, UFFD_NEED_SHMEM, why, len);
}

static void wp_detach(struct trap *trap)
{
	if (!trap)
		return;
	base_close(base_of(trap));
	free(trap);
}

static int wp_attach(const struct trap_config *config, struct trap **out)
{
	struct base *wp = calloc(1, sizeof *wp);
	int r;

	if (!wp)
		return -ENOMEM;
	r = base_open(wp, &trap_wp_ops, config, 0, BASE_MODES_WP);
	if (r) {
		free(wp);
		return r;
	}
	*out = &wp->trap;
	return 0;
}

static int wp_refuse(struct trap *trap, uint64_t page, int for_ever)
{
	struct base *wp = base_of(trap);
	struct run run = base_run(wp, page, 1);
	int r = base_take(wp, run);

	return r ? r : base_refuse(wp, run, for_ever);
}

static int wp_admit(struct trap *trap, uint64_t page)
{
	struct base *wp = base_of(trap);
	struct run run = base_run(wp, page, 1);
	int r = base_admit(wp, run);

	return r ? r : base_take(wp, run);
}

static int wp_place(struct trap *trap, uint64_t first, uint64_t n, void *addr)
{
	return base_place(base_of(trap), first, n, addr);
}

/* Nothing is remembered of pages that are NONE. */
static void wp_forget(struct trap *trap, uint64_t first, uint32_t n)
{
}

const struct trap_ops trap_wp_ops = {
	.name = "wp",
	.probe = wp_probe,
	.attach = wp_attach,
	.set_access = wp_set_access,
	.forget = wp_forget,
	.access = base_access,
	.mode = wp_mode,
	.next_touched = base_next_touched,
	.next_fault = wp_next_fault,
	.place = wp_place,
	.refuse = wp_refuse,
	.admit = wp_admit,
	.wake = base_wake,
	.fd = wp_fd,
	.stats = base_stats,
	.detach = wp_detach,
};
