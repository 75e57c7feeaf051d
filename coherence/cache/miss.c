/* SPDX-License-Identifier: BSD-2-Clause */
/* A fault or prefetch: the page is asked for, waited for, granted. */
#include "coherence/cache/cache.h"
#include "coherence/secure.h"

void coh_cache_act_get(struct take *t)
{
	int write = t->event == CE_WRITE;

	t->line->faulted = 1;
	for (unsigned i = 1; i < t->n; i++)
		line_at(t->c, t->page + i)->state = write ? COH_C_IM_D : COH_C_IS_D;
	coh_cache_send(t, write ? COH_MSG_GETM : COH_MSG_GETS, t->n);
	t->fx->count[COH_N_PREFETCH] += t->n - 1;
	t->fx->count[write ? COH_N_WRITE_MISS : COH_N_READ_MISS]++;
}

void coh_cache_act_get_ahead(struct take *t)
{
	for (unsigned i = 0; i < t->n; i++)
		line_at(t->c, t->page + i)->state = COH_C_IS_D;
	coh_cache_send(t, COH_MSG_GETS, t->n);
	t->fx->count[COH_N_PREFETCH] += t->n;
}

void coh_cache_act_upgrade(struct take *t)
{
	t->line->faulted = 1;
	coh_cache_send(t, COH_MSG_GETM, 1)->flags = COH_F_UPGRADE;
	t->fx->count[COH_N_UPGRADE]++;
}

void coh_cache_act_again(struct take *t)
{
	coh_fx_access(t->fx, t->page, 1, coh_access_of(t->line->state));
	coh_fx_wake(t->fx, t->page, 1);
}

void coh_cache_act_wait(struct take *t)
{
	t->line->faulted = 1;
}

void coh_cache_act_granted(struct take *t)
{
	t->line->request = 0;
	coh_view_keep_no_more(t->c, t->page);
	coh_secure_note_copy(t->c, t->page);
	if (t->event == CE_GRANT_M)
		coh_secure_list(t->c, t->page, LIST_DIRTY);
	if (t->line->faulted)
		coh_cache_hold_start(t);
	t->line->faulted = 0;
}

void coh_cache_act_refused(struct take *t)
{
	t->line->request = 0;
	t->line->faulted = 0;
}
