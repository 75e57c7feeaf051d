/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up a page: PutS or PutM, and its end. */
#include "coherence/cache/cache.h"
#include "coherence/secure.h"

void coh_cache_act_put_s(struct take *t)
{
	coh_fx_access(t->fx, t->page, 1, COH_NONE);
	coh_cache_send(t, COH_MSG_PUTS, 1);
	t->fx->count[COH_N_EVICT]++;
}

void coh_cache_act_put_m(struct take *t)
{
	coh_cache_send(t, COH_MSG_PUTM, 1);
	t->fx->count[COH_N_EVICT]++;
	if (MUTANT(DROP_BEFORE_PUT_ACK))
		coh_fx_add(t->fx, COH_FX_DROP_FRAME, t->page)->n = 1;
}

void coh_cache_act_drop(struct take *t)
{
	/* Else it is the home's frame, or the second node's. */
	if (t->home != t->c->cfg.self && (!coh_is_copy(t->c, t->page) || MUTANT(COPY_DROPPED)))
		coh_fx_add(t->fx, COH_FX_DROP_FRAME, t->page)->n = 1;
}

void coh_cache_act_gone(struct take *t)
{
	coh_request_release(t->c, t->line->request - 1);
	t->line->request = 0;
	coh_view_keep_no_more(t->c, t->page);
	coh_cache_act_drop(t);
	if (t->line->faulted)
		coh_fx_wake(t->fx, t->page, 1);
	t->line->faulted = 0;
}
