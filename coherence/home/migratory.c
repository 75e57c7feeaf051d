/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that nodes read and then write, one after the other: their reads are granted as writes. */
#include "coherence/home/home.h"

int coh_home_is_second(const struct take *t)
{
	const struct dir *d = t->dir;

	return d->wrote && d->owner != t->txn->requestor && (t->txn->flags & COH_F_UPGRADE) &&
	       coh_sharers_has(t->c, d->sharers, d->owner) &&
	       coh_sharers_has(t->c, d->sharers, t->txn->requestor);
}

void coh_home_act_learn(struct take *t)
{
	t->dir->migratory = t->c->cfg.migratory;
	coh_home_act_invalidate(t);
}

/* A read of a migratory page is a write from here on. */
static void migrate(struct take *t)
{
	t->dir->migratory--;
	t->txn->type = COH_MSG_GETM;
	t->fx->count[COH_N_MIGRATORY]++;
}

void coh_home_act_migrate_here(struct take *t)
{
	migrate(t);
	coh_home_act_supply_m(t);
}

void coh_home_act_migrate(struct take *t)
{
	migrate(t);
	if (MUTANT(MIGRATORY_SHARED))
		coh_home_act_fwd_gets(t);
	else
		coh_home_act_fwd_getm(t);
}

void coh_home_act_migrate_own(struct take *t)
{
	migrate(t);
	coh_home_act_recall(t);
}
