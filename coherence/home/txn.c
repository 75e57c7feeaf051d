/* SPDX-License-Identifier: BSD-2-Clause */
/* Transactions: they wait, and they end. */
#include "coherence/home/home.h"

int coh_home_free_txn(struct coh *c)
{
	for (unsigned i = 0; i < c->n_txns; i++)
		if (!txn_at(c, i)->type)
			return (int)i;
	return -1;
}

void coh_home_act_enqueue(struct take *t)
{
	coh_ref *link = &t->dir->queue;

	while (*link)
		link = &txn_at(t->c, *link - 1)->next;
	*link = t->index + 1;
	t->txn->phase = 0;
	t->fx->count[COH_N_QUEUED]++;
}

void coh_home_release(struct take *t)
{
	uint64_t page = t->txn->page;
	unsigned n = MUTANT(RUN_DONE_ONE) ? 1 : t->txn->n;

	for (unsigned i = 0; i < n; i++)
		coh_dir_at(t->c, page + i)->txn = 0;
	txn_is_done(t);
	*t->txn = (struct txn){0};
}
