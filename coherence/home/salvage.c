/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages after a node's death (view.h). AWAY: the home's frame is stale, and somebody else's is
 * current, whatever he may do with it; before the first request it comes here. LOST: nobody's is.
 */
#include "coherence/home/home.h"

void coh_home_act_salvage(struct take *t)
{
	if (MUTANT(SALVAGE_SKIPPED)) {
		coh_home_act_salvaged(t);
		coh_home_start_next(t->c, t->fx, t->txn->page);
		return;
	}
	/* Of a run nothing is claimed yet. */
	coh_home_fwd(t, COH_MSG_FWD_GETS, COH_FILL_LANDING)->flags = COH_F_PULL | COH_F_SALVAGE;
	t->txn->waits = TXN_WAIT_REFRESH;
}

/* The request that has waited for it is the next one again. */
void coh_home_act_salvaged(struct take *t)
{
	struct dir *d = t->dir;

	d->state = d->sharers ? COH_D_S : COH_D_I;
	d->owner = 0;
	t->txn->phase = 0;
	t->txn->waits = 0;
	t->txn->next = d->queue;
	d->queue = t->index + 1;
	d->txn = 0;
}

void coh_home_act_refuse_lost(struct take *t)
{
	enum coh_msg_type answer;
	struct coh_msg *m;

	switch (t->txn->type) {
	case COH_MSG_PUTS:
	case COH_MSG_PUTM: answer = COH_MSG_PUT_ACK; break;
	case COH_MSG_ATOMIC: answer = COH_MSG_ATOMIC_RESP; break;
	default: answer = COH_MSG_GRANT;
	}
	m = coh_fx_send(t->c, t->fx, t->txn->requestor, answer, t->txn->page);
	if (answer != COH_MSG_PUT_ACK) {
		m->flags = COH_F_LOST;
		m->slot = t->txn->slot;
	}
	t->txn->n = 1; /* of a run nothing was claimed */
	coh_home_release(t);
}
