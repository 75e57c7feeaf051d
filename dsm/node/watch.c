/* SPDX-License-Identifier: BSD-2-Clause */
/* Waits that have taken long, told once each. */
#include "dsm/node/node.h"

#define WARN_NS (UINT64_C(5) * 1000000000)

static void check_fault(struct dsm *d, struct fault *f, uint64_t now)
{
	struct coh_page_info info;

	if (f->warned || now - f->since_ns < WARN_NS)
		return;
	f->warned = 1;
	coh_page_info(d->engine.coh, f->page, &info);
	log_line(&d->log, DSM_LOG_WARN,
	         "thread %u has waited %llu s to %s page %llu: state %s here, home node %u",
	         f->thread, (unsigned long long)((now - f->since_ns) / 1000000000),
	         f->write ? "write" : "read", (unsigned long long)f->page,
	         coh_cache_state_name(info.cache_state), node_home_of(d, f->page));
}

static void check_secures(struct dsm *d, uint64_t now)
{
	struct secures *s = &d->secures;

	if (!s->under_way || s->warned || now - s->since_ns < WARN_NS)
		return;
	s->warned = 1;
	log_line(&d->log, DSM_LOG_WARN, "what this node wrote to DSM_KEEP2 memory is not on two nodes after "
	         "%llu s: %u pages are not%s", (unsigned long long)((now - s->since_ns) / 1000000000),
	         coh_unsecured(d->engine.coh),
	         coh_is_restored(d->engine.coh) ? "" : ", and second copies are being made since a death");
}

/* What the fault that is the next one to be taken waits for. */
static const char *stalled_for(const struct dsm *d)
{
	const struct trap_fault *f = &d->faults.stalled;

	if (node_reclaim_waits(d))
		return "frame";
	return f->write && coh_is_secure(&d->engine.cfg, f->page) ? "slot, or what was written to be on two nodes"
	                                                          : "slot";
}

void node_check_waits(struct dsm *d)
{
	uint64_t now = clock_now_ns();

	pins_check(d, now, WARN_NS);
	check_secures(d, now);
	for (unsigned i = 0; i < d->faults.n; i++)
		check_fault(d, &d->faults.list[i], now);
	if (d->faults.has_stalled && d->faults.stalled_ns && now - d->faults.stalled_ns > WARN_NS) {
		log_line(&d->log, DSM_LOG_WARN,
		         "thread %u has waited %llu s for a %s, to %s page %llu",
		         d->faults.stalled.thread,
		         (unsigned long long)((now - d->faults.stalled_ns) / 1000000000),
		         stalled_for(d),
		         d->faults.stalled.write ? "write" : "read",
		         (unsigned long long)d->faults.stalled.page);
		d->faults.stalled_ns = 0; /* once */
	}
}
