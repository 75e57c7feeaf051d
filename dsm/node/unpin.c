/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a pin: what waited for it goes on. */
#include <utlist.h>

#include "dsm/node/node.h"

/* What waited for it goes on. */
static void pin_end(struct dsm *d, struct pin *p)
{
	struct coh_event timer = {.kind = COH_EV_TIMER, .slot = (uint16_t)p->slot};
	struct coh_event msg = {.kind = COH_EV_MSG,
	                        .from = node_home_of(d, p->page),
	                        .msg = p->msg};
	int slot = p->slot, kept = p->kept;
	uint64_t page = p->page;

	if (p->held) {
		frames_unkeep(&d->memory.frames, page);
		d->pins.held--;
	}
	pins_free(d, p);
	if (d->members.lost)
		return;
	if (slot >= 0)
		node_step(d, &timer);
	if (kept)
		node_take_message(d, &msg);
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
