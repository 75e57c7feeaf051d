/* SPDX-License-Identifier: BSD-2-Clause */
/* How many pages of a run go into one grant, and when it is none of them. */
#include "coherence/home/home.h"
#include "coherence/secure.h"

/* Whether a page can go in one run with the first: from this home's frame both, or from the
 * same owner; to be written, none of which there is a copy. */
static int same_supplier(const struct take *t, const struct dir *d)
{
	const struct dir *first = t->dir;

	if (d->state > COH_D_M && !MUTANT(RUN_OVER_LOST))
		return 0; /* lost, or elsewhere */
	/* How far an owner has come the home would not know, should he die. */
	if (first->state == COH_D_M && t->c->cfg.survive)
		return 0;
	if (t->txn->type == COH_MSG_GETM && !MUTANT(WRITE_RUN_OVER_SHARED))
		return first->state == COH_D_I && d->state == COH_D_I;
	if (first->state != COH_D_M || d->state != COH_D_M)
		return first->state != COH_D_M && d->state != COH_D_M;
	return first->owner == d->owner;
}

/* Each when it is the first one (start.c). */
static int has_to_be_zeroed(struct coh *c, uint64_t page)
{
	return c->cfg.secure_pages && is_secure(c, page) && secure_at(c, page)->zero;
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
		if (d->touched != t->dir->touched || has_to_be_zeroed(t->c, t->txn->page + k))
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
		if (d->txn || d->queue || d->state == COH_D_AWAY || t->dir->state == COH_D_AWAY ||
		    d->state == COH_D_HELD)
			break;
		if (is_renewal(t) && (d->state == COH_D_LOST) != (t->dir->state == COH_D_LOST))
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

/* Whether who was there before may wait for a node that holds the page. A read of a page that
 * nobody owns, or will own, does not; nor does a run. */
static int may_wait(const struct take *t, const struct txn *before)
{
	if (before->type != COH_MSG_GETS)
		return 1;
	return !(before->flags & COH_F_RUN) && (t->dir->state == COH_D_M || t->dir->migratory);
}

int coh_home_run_waits_here(const struct take *t)
{
	coh_ref q = t->dir->txn;

	if (t->txn->type == COH_MSG_GETM)
		return t->txn->n > 1 &&
		       (q || t->dir->state == COH_D_S || t->dir->state == COH_D_M ||
		        t->dir->state == COH_D_HELD);
	if (!(t->txn->flags & COH_F_RUN) || MUTANT(RUN_WAITS_IN_QUEUE))
		return 0;
	for (; q; q = q == t->dir->txn ? t->dir->queue : txn_at(t->c, q - 1)->next)
		if (may_wait(t, txn_at(t->c, q - 1)))
			return 1;
	return 0;
}

int coh_home_run_waits_for_owner(const struct take *t)
{
	struct coh *c = t->c;

	if (!(t->txn->flags & COH_F_RUN) || t->dir->state != COH_D_M)
		return 0;
	if (c->cfg.secure_pages && is_secure(c, t->txn->page))
		return 1;
	if (t->dir->owner == c->cfg.self)
		return line_at(c, t->txn->page)->hold && !MUTANT(RUN_OVER_TENURE);
	return t->txn->requestor != c->cfg.self && c->refreshing >= c->max_refreshing;
}

/* What a run is asked for behind its first page, others may be waiting for, who keep that one: so
 * nothing is waited for, and each page is asked for by itself when it is wanted. */
void coh_home_act_refuse_run(struct take *t)
{
	struct coh_msg *m =
	        coh_fx_send(t->c, t->fx, t->txn->requestor, COH_MSG_GRANT, t->txn->page);

	m->slot = t->txn->slot;
	m->access = COH_NONE;
	if (t->dir->txn == t->index + 1)
		t->dir->txn = 0;
	txn_is_done(t);
	*t->txn = (struct txn){0};
}
