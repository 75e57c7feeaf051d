/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a tenure, by its timer or before: the message that waited for it is taken. */
#include <assert.h>
#include <errno.h>

#include "coherence/cache/cache.h"
#include "coherence/secure.h"

/* Takes the message that waited for the tenure's end, if any. */
static void hold_take_deferred(struct coh *c, struct coh_effects *fx, const struct hold *h)
{
	struct take t = take_init(c, fx, h->page);
	struct coh_msg m = {
	        .type = h->deferred,
	        .flags = h->flags,
	        .requestor = h->requestor,
	        .n = h->n,
	        .slot = h->slot,
	        .serial = h->serial,
	        .page = h->page,
	        .landing = h->landing,
	        .refresh = h->refresh,
	};
	int rc;

	if (!h->deferred || MUTANT(TENURE_DROPS))
		return;
	t.msg = &m;
	rc = coh_cache_take_fwd(&t, is_secure(c, h->page) && h->deferred == COH_MSG_FWD_GETS
	                                    ? CE_CLEAN
	                                    : coh_cache_event_of(h->deferred));
	assert(rc == 0);
	(void)rc;
}

void coh_cache_hold_end(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	struct line *line = line_at(c, page);
	struct hold *h, was;

	if (!line->hold)
		return;
	h = hold_at(c, line->hold - 1);
	was = *h;
	line->hold = 0;
	*h = (struct hold){.taken = 1, .over = 1};
	hold_take_deferred(c, fx, &was);
}

int coh_cache_timer(struct coh *c, unsigned slot, struct coh_effects *fx)
{
	struct hold *h, was;

	if (slot >= c->cfg.holds || !hold_at(c, slot)->taken)
		return -EINVAL;
	h = hold_at(c, slot);
	was = *h;
	if (MUTANT(TENURE_FOR_EVER) && was.deferred) {
		coh_fx_add(fx, COH_FX_TIMER, was.page)->slot = slot;
		return 0;
	}
	*h = (struct hold){0};
	if (was.over)
		return 0;
	line_at(c, was.page)->hold = 0;
	hold_take_deferred(c, fx, &was);
	return 0;
}
