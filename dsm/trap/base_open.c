/* SPDX-License-Identifier: BSD-2-Clause */
/* How control of the window begins, and ends: above what reads faults and writes page tables. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm.h"
#include "dsm/trap/base.h"
#include "dsm/trap/signal.h"

void base_close(struct base *base)
{
	if (base->signal)
		trap_signal_stop();
	/* Closing is not enough: a child of fork may still hold the descriptor. */
	if (base->fd >= 0) {
		base_each_part(base, uffd_unregister);
		close(base->fd);
	}
	base->fd = -1;
	access_map_close(&base->map);
}

/* Everything that was mapped before is gone afterwards: registered first, zapped then,
 * so that nothing can come back in between. */
static int control(struct base *base, uint64_t modes)
{
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const struct region_zone *zone = &base->region->zone[kind];
		int r;

		if (!zone->count)
			continue;
		r = uffd_register(base->fd, zone->window, zone->count * zone->page_bytes, modes);
		if (!r)
			r = base_zap(base_run(base, zone->first, zone->count));
		if (r)
			return r;
	}
	return 0;
}

int base_open(struct base *base, const struct trap_ops *ops, const struct trap_config *config,
              uint64_t need, uint64_t modes)
{
	struct uffd_caps caps;
	char why[256];
	int r;

	base->trap.ops = ops;
	base->region = config->region;
	base->log = config->log;
	base->log_ctx = config->log_ctx;
	base->fd = -1;
	need |= UFFD_NEED_SHMEM;
	if (config->region->zone[REGION_PMD].count)
		need |= UFFD_NEED_HUGETLB;

	uffd_caps_read(&caps, config->delivery == TRAP_SIGNAL);
	r = uffd_caps_check(&caps, need, why, sizeof why);
	if (r) {
		base_say(base, DSM_LOG_ERROR, "%s", why);
		return r;
	}
	r = access_map_open(&base->map, config->region->pages);
	if (r)
		return r;
	need |= config->delivery == TRAP_SIGNAL ? UFFD_FEATURE_SIGBUS : caps.features & UFFD_WANT;
	base->fd = r = uffd_open(need, config->delivery == TRAP_SIGNAL);
	if (r >= 0)
		r = control(base, modes);
	if (r) {
		base_say(base, DSM_LOG_ERROR, "the window cannot be trapped: %s", strerror(-r));
		goto err_close;
	}
	if (config->delivery == TRAP_SIGNAL) {
		r = trap_signal_start(config);
		if (r)
			goto err_close;
		base->signal = true;
	}
	return 0;

err_close:
	base_close(base);
	return r;
}
