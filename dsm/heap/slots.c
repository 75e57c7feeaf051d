/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of this node that are under way. */
#include "dsm/node/node.h"

void service_response(struct dsm *d, const struct coh_msg *m)
{
	struct waiter *w = m->slot < NODE_SVC_SLOTS ? d->heap.slot[m->slot] : NULL;

	if (!w) {
		d->engine.bad_messages++;
		return;
	}
	d->heap.slot[m->slot] = NULL;
	w->result[0] = m->svc.arg[0];
	w->result[1] = m->svc.arg[1];
	waits_done(&d->waits, w, m->svc.status);
	waits_room(&d->waits);
}

/* Lock held. Waits for a free slot; -1 when the job is lost meanwhile. */
int service_slot_take(struct dsm *d, struct waiter *w)
{
	while (!d->members.lost) {
		for (unsigned i = 0; i < NODE_SVC_SLOTS; i++)
			if (!d->heap.slot[i]) {
				d->heap.slot[i] = w;
				return (int)i;
			}
		node_wait_room(d);
	}
	return -1;
}
