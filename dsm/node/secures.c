/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits until what was written is on two nodes, and what is kept for others (secures.h). */
#include <string.h>

#include "dsm/node/node.h"

void secures_note(struct dsm *d)
{
	const int unsecured = coh_unsecured(d->engine.coh) || !coh_is_restored(d->engine.coh);

	/* Release: a thread may write what is granted only after this. It pairs with the acquire in
	 * node_secure(), after it has written. */
	__atomic_store_n(&d->secures.unsecured, unsecured, __ATOMIC_RELEASE);
}

void secures_done(struct dsm *d)
{
	struct secures *s = &d->secures;
	struct secures_joiner *j = s->first, *next;

	s->times++;
	s->under_way = 0;
	s->first = NULL;
	for (; j; j = next) {
		next = j->next; /* who has his answer may be gone */
		waits_done(&d->waits, &j->waiter, 0);
	}
}

void secures_take(struct dsm *d, uint64_t page)
{
	const void *from = stages_at(&d->secures.stages, page);

	if (!from || frames_prepare(&d->memory.frames, page, 1)) {
		node_fail(d, "no memory for a page of a node that has died");
		return;
	}
	memcpy(region_frame_at(&d->memory.region, page), from, STAGES_PAGE_BYTES);
	frames_soil(&d->memory.frames, page, 1);
	stages_drop(&d->secures.stages, page);
}

static int keeps(const void *coh, uint64_t page)
{
	return coh_keeps_log(coh, page);
}

void secures_sweep(struct dsm *d)
{
	stages_sweep(&d->secures.stages, keeps, d->engine.coh);
}
