/* SPDX-License-Identifier: BSD-2-Clause */
/* Granting from the home's frame, with the page or without. */
#include "coherence/home/home.h"

static int grant_needs_no_data(const struct take *t, enum coh_access access)
{
	if (t->txn->requestor == t->c->cfg.self)
		return 1; /* the frame is its own */
	if (!t->dir->touched)
		return 1; /* zero everywhere */
	if (MUTANT(EMPTY_AFTER_INV) && (t->txn->flags & COH_F_UPGRADE))
		return 1;
	/* A copy that is in the map now was there when the upgrade was asked for: a node
	 * with a request outstanding enters the map by that request only. */
	return access == COH_WRITE && (t->txn->flags & COH_F_UPGRADE) &&
	       t->dir->state == COH_D_S && coh_sharers_exact(t->c, t->dir->sharers) &&
	       coh_sharers_has(t->c, t->dir->sharers, t->txn->requestor);
}

void coh_home_supply(struct take *t, enum coh_access access)
{
	struct txn *txn = t->txn;

	txn->waits = TXN_WAIT_DONE;
	if (grant_needs_no_data(t, access)) {
		struct coh_msg *m =
		        coh_fx_send(t->c, t->fx, txn->requestor, COH_MSG_GRANT, txn->page);
		m->slot = txn->slot;
		m->access = access;
		m->n = txn->n;
	} else {
		struct coh_effect *e = coh_fx_add(t->fx, COH_FX_MOVE, txn->page);
		e->n = txn->n;
		e->node = txn->requestor;
		e->landing = txn->landing;
		e->tag = coh_tag_encode(
		        (struct coh_tag){.access = access, .n = txn->n, .slot = txn->slot});
		t->fx->count[COH_N_SUPPLY] += txn->n;
	}
}
