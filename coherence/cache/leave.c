/* SPDX-License-Identifier: BSD-2-Clause */
/* A page that this node has written is about to be seen by others: not before what it wrote earlier to
 * secure pages is on two nodes (drain.c). */
#include <errno.h>

#include "coherence/cache/cache.h"
#include "coherence/secure.h"

static int leaves_m(const struct take *t, enum cache_event event)
{
	return (t->line->state == COH_C_M || t->line->state == COH_C_MI_A) &&
	       (event == CE_FWD_GETS || event == CE_FWD_GETM || event == CE_FWD_ATOMIC ||
	        event == CE_FWD_COMPARE);
}

/* A secure page goes to its home when the stand-in has all that goes with it. */
static int may_be_cleaned(const struct take *t)
{
	const unsigned list = secure_at(t->c, t->page)->list;

	return list == LIST_PUSHED || list == LIST_CLEANED ||
	       (list == LIST_LOGGED && t->c->securing.phase == PHASE_PUSH);
}

static int waits(const struct take *t, enum cache_event event)
{
	if (event == CE_CLEAN)
		return (t->line->state == COH_C_M || t->line->state == COH_C_MS_A) && !may_be_cleaned(t);
	return !is_secure(t->c, t->page) && leaves_m(t, event) && coh_secure_is_dirty(t->c) &&
	       !MUTANT(SEEN_WHILE_DIRTY);
}

int coh_cache_take_fwd(struct take *t, enum cache_event event)
{
	struct coh *c = t->c;

	if (!c->cfg.secure_pages || !waits(t, event))
		return coh_cache_take_row(t, event);
	if (c->securing.waits == c->n_txns)
		return -EPROTO; /* more than all homes together can ask for */
	*secure_wait_at(c, c->securing.waits++) = *t->msg;
	c->securing.draining = 1;
	return 0;
}
