/* SPDX-License-Identifier: BSD-2-Clause */
/* Losing a copy to an Inv. */
#include "coherence/cache/cache.h"

void coh_cache_act_ack(struct take *t)
{
	coh_fx_send(t->c, t->fx, t->home, COH_MSG_INV_ACK, t->page)->n = t->n;
}

void coh_cache_lower(struct take *t, enum coh_access access)
{
#ifdef COH_MUTANTS
	if (MUTANT(KEEP_READ_ON_INV) && t->event == CE_INV)
		return;
	if (MUTANT(KEEP_WRITE_ON_FWD_GETS) && t->event == CE_FWD_GETS)
		return;
	if ((MUTANT(ACK_BEFORE_LOWER) && t->event == CE_INV) ||
	    (MUTANT(MOVE_BEFORE_LOWER) && t->event != CE_INV)) {
		coh_mutant_lower_late(t->c, t->fx, t->page, t->n, access);
		return;
	}
#endif
	coh_fx_access(t->fx, t->page, t->n, access);
}

/* The frame is still there. */
void coh_cache_act_ack_gone(struct take *t)
{
	coh_view_keep(t->c, t->msg);
	coh_cache_act_ack(t);
}

void coh_cache_act_lose(struct take *t)
{
	coh_view_keep(t->c, t->msg);
	coh_cache_lower(t, COH_NONE);
	coh_cache_act_ack(t);
	t->fx->count[COH_N_INV]++;
}
