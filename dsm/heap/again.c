/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view has begun: who waits for an answer of a dead node does so no more, or asks again whoever
 * serves in its place.
 */
#include <errno.h>

#include "dsm/heap/services.h"

static void end_wait(struct dsm *d, unsigned slot, int status)
{
	struct waiter *w = d->heap->slot[slot];

	d->heap->slot[slot] = NULL;
	d->heap->asked[slot] = NULL;
	w->kept = w->for_service;
	d->progress.kept += w->kept;
	waits_done(&d->waits, w, status);
}

/* A lookup whose time is over changes nothing: it need not be asked again. */
static void ask_again(struct dsm *d, unsigned slot)
{
	struct coh_msg *m = d->heap->asked[slot];

	if (m->svc.op == SVC_LOOKUP_CANCEL) {
		end_wait(d, slot, -ETIMEDOUT);
		return;
	}
	d->heap->to[slot] = heap_server(d);
	m->view = d->view.number;
	heap_request(d, m);
}

void heap_view(struct dsm *d)
{
	struct heap *h = d->heap;

	h->has_view = 1; /* the service thread has been woken */
	for (unsigned i = 0; i < HEAP_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		if (h->asked[i] && h->to[i] != heap_server(d))
			ask_again(d, i);
		else if (!h->asked[i] && !view_lives(d, h->to[i]))
			end_wait(d, i, DSM_ERR_LOST);
	}
	heap_living_view(d);
}
