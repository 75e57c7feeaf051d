/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GetS at the home: supplied from its frame, or by the owner, who writes the page to
 * requestor and home; over when the requestor has it, and the home too.
 */
#include "coherence/home/home.h"

void coh_home_act_supply_s(struct take *t)
{
	t->txn->n = coh_home_claim_run(t);
	coh_home_supply(t, COH_READ);
}

void coh_home_act_fwd_gets(struct take *t)
{
	int own = t->txn->requestor == t->c->cfg.self; /* then its landing is the home's frame */
	struct coh_msg *m =
	        coh_home_fwd(t, COH_MSG_FWD_GETS, own ? COH_FILL_LANDING : COH_FILL_REFRESH);

	m->n = t->txn->n = coh_home_claim_run(t);
	m->flags = t->txn->flags & COH_F_RUN;
	t->txn->waits = TXN_WAIT_DONE;
	if (own)
		return;
	m->landing = t->txn->landing;
	if (MUTANT(NO_REFRESH))
		return;
	m->flags |= COH_F_REFRESH;
	if (!MUTANT(SERVE_BEFORE_REFRESH)) {
		t->txn->waits |= TXN_WAIT_REFRESH;
		t->c->refreshing++;
	}
}

/* The page comes here first, and from here to the requestor. */
void coh_home_act_fetch(struct take *t)
{
	coh_home_fwd(t, COH_MSG_FWD_GETS, COH_FILL_LANDING)->flags = COH_F_PULL;
	t->txn->waits = TXN_WAIT_REFRESH;
}

/* An owner's page is shared from now on. */
static void owner_to_sharer(struct take *t, struct dir *d)
{
	if (!MUTANT(OWNER_NOT_SHARER))
		coh_sharers_add(t->c, &d->sharers, d->owner, t->fx);
	d->state = COH_D_S;
	if (t->c->cfg.migratory)
		d->wrote = 1;
	else
		d->owner = 0;
}

void coh_home_act_fetched(struct take *t)
{
	owner_to_sharer(t, t->dir);
	coh_home_act_supply_s(t);
}

void coh_home_act_recalled_s(struct take *t)
{
	coh_home_trim_run(t, t->n);
	for (unsigned i = 0; i < t->txn->n; i++)
		owner_to_sharer(t, coh_dir_at(t->c, t->txn->page + i));
	coh_home_supply(t, COH_READ);
}

void coh_home_act_done_first(struct take *t)
{
	coh_home_trim_run(t, t->n);
	t->txn->waits &= ~TXN_WAIT_DONE;
	txn_is_done(t);
}

void coh_home_act_refresh_first(struct take *t)
{
	t->txn->waits &= ~TXN_WAIT_REFRESH;
}

void coh_home_act_finish_none(struct take *t)
{
	if (t->txn->waits & TXN_WAIT_REFRESH)
		t->c->refreshing--;
	coh_home_trim_run(t, 1);
	coh_home_act_refuse_run(t);
}

void coh_home_act_finish_s(struct take *t)
{
	if (t->n) /* by Done, not by the refresh */
		coh_home_trim_run(t, t->n);
	for (unsigned i = 0; i < t->txn->n; i++) {
		struct dir *d = coh_dir_at(t->c, t->txn->page + i);
		if (d->state == COH_D_M)
			owner_to_sharer(t, d);
		d->state = COH_D_S;
		d->migratory = 0; /* until an upgrade follows */
		if (!MUTANT(SHARER_FORGOTTEN))
			coh_sharers_add(t->c, &d->sharers, t->txn->requestor, t->fx);
		if (!d->wrote || !coh_sharers_exact(t->c, d->sharers) ||
		    coh_sharers_count(t->c, d->sharers) > 2)
			forget_writer(d);
	}
	coh_home_release(t);
}
