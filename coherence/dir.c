/* SPDX-License-Identifier: BSD-2-Clause */
/* Where directory entries are, and what the node's own cache may ask of them. */
#include <assert.h>

#include "coherence/state.h"

struct dir *coh_dir_at(struct coh *c, uint64_t page)
{
	assert(coh_home(c, page) == c->cfg.self);
	return dir_by_index(c, coh_dir_number(c, page));
}

int coh_dir_awaits_done(struct coh *c, uint64_t page, uint16_t n, enum coh_access access)
{
	struct dir *d = coh_dir_at(c, page);
	struct txn *txn = d->txn ? txn_at(c, d->txn - 1) : NULL;

	return txn && txn->phase == COH_D_DONE && (txn->waits & TXN_WAIT_DONE) &&
	       txn->requestor == c->cfg.self && txn->page == page && n <= txn->n &&
	       access == (txn->type == COH_MSG_GETS ? COH_READ : COH_WRITE);
}

static int is_own(const struct coh *c, const struct txn *txn, uint16_t slot)
{
	return txn->requestor == c->cfg.self && txn->slot == slot && txn->type != COH_MSG_PUSH;
}

int coh_dir_has_own(struct coh *c, uint64_t page, uint16_t slot)
{
	struct dir *d = coh_dir_at(c, page);

	/* An atomic that waits for Done is answered. */
	if (d->txn && is_own(c, txn_at(c, d->txn - 1), slot) &&
	    (txn_at(c, d->txn - 1)->type != COH_MSG_ATOMIC ||
	     txn_at(c, d->txn - 1)->phase != COH_D_DONE))
		return 1;
	for (coh_ref q = d->queue; q; q = txn_at(c, q - 1)->next)
		if (is_own(c, txn_at(c, q - 1), slot))
			return 1;
	return 0;
}
