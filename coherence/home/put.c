/* SPDX-License-Identifier: BSD-2-Clause */
/* PutS and PutM at the home. A PutM carries no data: the home pulls the page. */
#include "coherence/home/home.h"

static void put_ack(struct take *t)
{
	coh_fx_send(t->c, t->fx, t->txn->requestor, COH_MSG_PUT_ACK, t->txn->page);
	coh_home_release(t);
}

void coh_home_act_put_stale(struct take *t)
{
	if (MUTANT(STALE_PUTM_TAKES) && t->txn->type == COH_MSG_PUTM)
		t->dir->state = COH_D_I;
	put_ack(t);
}

void coh_home_act_put_s(struct take *t)
{
	coh_sharers_remove(t->c, &t->dir->sharers, t->txn->requestor);
	forget_writer(t->dir);
	if (MUTANT(PUTS_CLEARS_ALL))
		coh_sharers_clear(t->c, &t->dir->sharers);
	if (!t->dir->sharers)
		t->dir->state = COH_D_I;
	put_ack(t);
}

void coh_home_act_pull(struct take *t)
{
	coh_home_fwd(t, COH_MSG_FWD_GETM, COH_FILL_LANDING)->flags = COH_F_PULL;
	t->txn->waits = TXN_WAIT_REFRESH;
	if (MUTANT(PUTM_PUSHES)) {
		t->dir->state = COH_D_I;
		put_ack(t);
	}
}

void coh_home_act_recalled_put(struct take *t)
{
	t->dir->state = COH_D_I;
	put_ack(t);
}

void coh_home_act_pulled(struct take *t)
{
	t->dir->state = COH_D_I;
	t->dir->owner = 0;
	put_ack(t);
}
