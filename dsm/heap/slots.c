/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of this node that are under way. */
#include "dsm/heap/services.h"

void heap_response(struct dsm *d, const struct coh_msg *m)
{
	struct waiter *w = m->slot < HEAP_SLOTS ? d->heap->slot[m->slot] : NULL;

	if (d->members.lost)
		return; /* all waits have ended already */
	if (!w) {
		d->engine.bad_messages++;
		return;
	}
	if (d->heap->asked[m->slot] && d->heap->asked[m->slot]->serial != m->serial)
		return; /* to an earlier one, of who served before */
	d->heap->slot[m->slot] = NULL;
	d->heap->asked[m->slot] = NULL;
	w->kept = w->for_service;
	d->progress.kept += w->kept;
	w->result[0] = m->svc.arg[0];
	w->result[1] = m->svc.arg[1];
	w->result[2] = m->svc.arg[2];
	waits_done(&d->waits, w, m->svc.status);
}

int heap_slot_take(struct dsm *d, coh_node to, struct waiter *w)
{
	for (unsigned i = 0; i < HEAP_SLOTS; i++)
		if (!d->heap->slot[i]) {
			d->heap->slot[i] = w;
			d->heap->to[i] = to;
			return (int)i;
		}
	return DSM_ERR_NOMEM;
}
