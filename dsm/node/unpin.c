/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a pin: what waited for it goes on. */
#include <utlist.h>

#include "dsm/node/node.h"

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
	pins_free(d, p);
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
	faults_woken(&d->faults, &d->tenure, &d->waits, page, 1);
}

void pins_put(struct dsm *d, struct pin *p)
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
