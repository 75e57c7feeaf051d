/* SPDX-License-Identifier: BSD-2-Clause */
/* What the home asks of the owner of a page: all Fwds, and recalls from its own cache. */
#include "coherence/home/home.h"

struct coh_msg *coh_home_fwd(struct take *t, enum coh_msg_type type, uint8_t fill)
{
	struct txn *txn = t->txn;
	struct coh_msg *m = coh_fx_send_fill(t->c, t->fx, t->dir->owner, type, txn->page, fill);

	m->requestor = txn->requestor;
	m->slot = txn->slot;
	m->serial = txn->serial;
	return m;
}

void coh_home_act_recall(struct take *t)
{
	int read = t->txn->type == COH_MSG_GETS;
	struct coh_msg *m = coh_home_fwd(t, read ? COH_MSG_FWD_GETS : COH_MSG_FWD_GETM, 0);

	m->flags = COH_F_RECALL;
	if (!read)
		return;
	m->n = t->txn->n = coh_home_claim_run(t);
}
