/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GetM at the home: supplied from its frame when the last sharer has acked, or by the owner;
 * over when the requestor has it.
 */
#include "coherence/home/home.h"
#include "coherence/secure.h"

void coh_home_act_supply_m(struct take *t)
{
	t->txn->n = coh_home_claim_run(t);
	coh_home_supply(t, COH_WRITE);
}

void coh_home_act_fwd_getm(struct take *t)
{
	int own = t->txn->requestor == t->c->cfg.self;
	struct coh_msg *m = coh_home_fwd(t, COH_MSG_FWD_GETM, own ? COH_FILL_LANDING : 0);

	t->txn->waits = TXN_WAIT_DONE;
	if (!own)
		m->landing = t->txn->landing;
}

void coh_home_act_acked_m(struct take *t)
{
	ack(t);
	coh_home_supply(t, COH_WRITE);
	if (t->c->wide) /* the others have left it */
		coh_sharers_clear(t->c, &t->dir->sharers);
}

void coh_home_act_recalled_m(struct take *t)
{
	t->dir->state = COH_D_I;
	coh_home_supply(t, COH_WRITE);
}

static void enter_owner(struct take *t, struct dir *d, uint64_t page)
{
	if (t->c->cfg.secure_pages && is_secure(t->c, page))
		secure_at(t->c, page)->base = d->touched ? BASE_FILLED : BASE_ZERO;
	if (!(MUTANT(FWD_TO_REQUESTOR) && d->state == COH_D_M))
		d->owner = t->txn->requestor;
	d->state = COH_D_M;
	d->wrote = 0;
	coh_sharers_clear(t->c, &d->sharers);
	if (!MUTANT(UNTOUCHED_AFTER_M))
		d->touched = 1;
}

void coh_home_act_finish_m(struct take *t)
{
	for (unsigned i = 0; i < (MUTANT(RUN_OWNER_OF_ONE) ? 1 : t->txn->n); i++)
		enter_owner(t, coh_dir_at(t->c, t->txn->page + i), t->txn->page + i);
	coh_home_release(t);
}
