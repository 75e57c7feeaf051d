/* SPDX-License-Identifier: BSD-2-Clause */
/* Invs to the sharers, and who has still to ack. */
#include "coherence/home/home.h"

/* Whether this sharer's copy has to go. A requestor that is to write keeps its own, but
 * for an upgrade that cannot be empty because nobody knows whether it has one: then
 * data will come, and must not land under its eyes. */
static int is_other(const struct take *t, coh_node node)
{
	return t->txn->type != COH_MSG_GETM || node != t->txn->requestor ||
	       (!coh_sharers_exact(t->c, t->dir->sharers) && (t->txn->flags & COH_F_UPGRADE) &&
	        node != t->c->cfg.self);
}

/* Who has not acked, or had not before anyone was asked to, in a job of narrow sets. */
static uint64_t others(const struct take *t)
{
	uint64_t map = t->dir->sharers;

	return t->txn->type == COH_MSG_GETM ? map & ~node_bit(t->txn->requestor) : map;
}

int coh_home_has_others(const struct take *t)
{
	coh_node i = coh_sharers_next(t->c, t->dir->sharers, 0);

	while (i != COH_NO_NODE && !is_other(t, i))
		i = coh_sharers_next(t->c, t->dir->sharers, i + 1u);
	return i != COH_NO_NODE;
}

static void send_inv(struct take *t, coh_node node)
{
	struct coh_msg *m = coh_fx_send(t->c, t->fx, node, COH_MSG_INV, t->txn->page);

	if (!t->c->cfg.survive)
		return;
	m->requestor = t->txn->requestor;
	/* An atomic writes here, and may have done so before anybody knows. */
	m->serial = t->txn->type == COH_MSG_GETM || MUTANT(CLAIM_OF_ATOMIC) ? t->txn->serial : 0;
}

void coh_home_act_invalidate(struct take *t)
{
	if (MUTANT(ATOMIC_WITHOUT_INV) && t->txn->type == COH_MSG_ATOMIC) {
		coh_home_act_atomic_here(t);
		return;
	}
	for (coh_node i = coh_sharers_next(t->c, t->dir->sharers, 0); i != COH_NO_NODE;
	     i = coh_sharers_next(t->c, t->dir->sharers, i + 1u)) {
		if (!is_other(t, i))
			continue;
		if (t->c->wide)
			coh_map_add(pending_at(t->c, t->index), i);
		send_inv(t, i);
	}
}

void coh_home_act_acked(struct take *t)
{
	ack(t);
}

int coh_home_is_pending(const struct take *t, coh_node node)
{
	if (t->c->wide)
		return coh_map_has(pending_at(t->c, t->index), node);
	return others(t) >> node & 1;
}

unsigned coh_home_count_pending(const struct take *t)
{
	if (t->c->wide)
		return coh_map_count(&t->c->cfg, pending_at(t->c, t->index));
	return __builtin_popcountll(others(t));
}
