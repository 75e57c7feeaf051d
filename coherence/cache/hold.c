/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages in tenure, and the message that waits for its end. */
#include "coherence/cache/cache.h"

void coh_cache_hold_start(struct take *t)
{
	struct coh *c = t->c;

	for (unsigned i = 0; i < c->cfg.holds; i++) {
		struct hold *h = hold_at(c, i);
		if (h->taken)
			continue;
		*h = (struct hold){.taken = 1, .page = t->page};
		t->line->hold = i + 1;
		coh_fx_add(t->fx, COH_FX_TIMER, t->page)->slot = i;
		return;
	}
	if (c->cfg.holds)
		t->fx->count[COH_N_NO_HOLD]++;
}

void coh_cache_act_defer(struct take *t)
{
	struct hold *h = hold_at(t->c, t->line->hold - 1);

	h->deferred = t->msg->type;
	h->flags = t->msg->flags;
	h->requestor = t->msg->requestor;
	h->slot = t->msg->slot;
	h->serial = t->msg->serial;
	h->n = t->msg->n;
	h->landing = t->msg->landing;
	h->refresh = t->msg->refresh;
	t->fx->count[COH_N_DEFERRED]++;
	t->fx->deferred = t->line->hold - 1;
	t->fx->deferred_type = t->msg->type;
}
