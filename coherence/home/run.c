/* SPDX-License-Identifier: BSD-2-Clause */
/* How many pages of a run go into one grant. */
#include "coherence/home/home.h"

/* Whether a page can go in one run with the first: from this home's frame both, or from the
 * same owner; to be written, none of which there is a copy. */
static int same_supplier(const struct take *t, const struct dir *d)
{
	const struct dir *first = t->dir;

	if (t->txn->type == COH_MSG_GETM && !MUTANT(WRITE_RUN_OVER_SHARED))
		return first->state == COH_D_I && d->state == COH_D_I;
	if (first->state != COH_D_M || d->state != COH_D_M)
		return first->state != COH_D_M && d->state != COH_D_M;
	return first->owner == d->owner;
}

uint16_t coh_home_claim_run(struct take *t)
{
	uint16_t k = 1;

	for (; k < t->txn->n; k++) {
		struct dir *d = coh_dir_at(t->c, t->txn->page + k);
		if ((d->txn || d->queue) && !MUTANT(RUN_OVER_BUSY))
			break;
		if (!same_supplier(t, d) && !MUTANT(RUN_OVER_OWNED))
			break;
		if (d->touched != t->dir->touched)
			break;
		d->txn = t->index + 1;
	}
	return k;
}

uint16_t coh_home_claim_free(struct take *t)
{
	uint16_t k = 1;

	for (; k < t->txn->n; k++) {
		struct dir *d = coh_dir_at(t->c, t->txn->page + k);
		if (d->txn || d->queue)
			break;
		d->txn = t->index + 1;
	}
	return k;
}

void coh_home_trim_run(struct take *t, uint16_t n)
{
	for (unsigned i = n; i < t->txn->n; i++)
		coh_dir_at(t->c, t->txn->page + i)->txn = 0;
	t->txn->n = n;
}
