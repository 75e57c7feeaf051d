/* SPDX-License-Identifier: BSD-2-Clause */
/* What other nodes ask for, when it comes, and when the service thread has time for it. */
#include "dsm/heap/services.h"
#include "dsm/workers/workers.h"

static void keep_change(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	struct heap_inbox *in = &d->heap->changes;

	if (in->most && in->len == in->most)
		node_fail(d, "another node tells of more changes than it may");
	else
		heap_inbox_add(d, in, from, m);
}

void heap_keep(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	if (heap_is_for_all(m->svc.op))
		heap_serve_all(d, from, m);
	else if (workers_takes(m->svc.op))
		workers_request(d, from, m);
	else if (m->svc.op == SVC_ROUND && d->heap->rounds) /* it takes no memory, and all wait for it */
		heap_round_arrive(d, from, m);
	else if (m->svc.op == SVC_ACCORD)
		heap_accord_take(d, from, m);
	else if (m->svc.op == SVC_CHANGED)
		heap_followed(d, from, m);
	else if (m->svc.op == SVC_CHANGE)
		keep_change(d, from, m);
	else
		heap_inbox_add(d, &d->heap->inbox, from, m);
}

/* One of a view to come, and what came after it, waits for that. */
static int may_be_served(const struct dsm *d, const struct heap_kept *k)
{
	return k && (!d->view.on || (k->msg.view <= d->view.number && !d->view.shut));
}

void heap_serve_kept(struct dsm *d)
{
	struct heap_inbox *in = &d->heap->inbox;
	const struct heap_kept *k;

	workers_serve(d);
	if (d->view.on) {
		heap_follow_kept(d);
		heap_take_office(d);
	}
	while (may_be_served(d, k = heap_inbox_first(in))) {
		if (view_lives(d, k->from) && heap_serve(d, k->from, &k->msg))
			break;
		heap_inbox_drop(d, in);
	}
}
