/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Discard at the home: all copies of a run are dropped, whatever is in them, and its pages are
 * as nobody had ever touched them. A page that a node holds stays as it is.
 */
#include "coherence/home/home.h"
#include "coherence/secure.h"

/* --- who has to ack --- */

static uint64_t *pending_of(const struct take *t)
{
	return t->c->wide ? pending_at(t->c, t->index) : &t->txn->drop.pending;
}

static coh_node copy_next(const struct take *t, const struct dir *d, unsigned from)
{
	if (d->state == COH_D_M)
		return from <= d->owner ? d->owner : COH_NO_NODE;
	return coh_sharers_next(t->c, d->sharers, from);
}

/* Who has a copy beside the home, of a secure page. */
static coh_node second_of(const struct take *t, uint64_t page)
{
	if (!t->c->cfg.secure_pages || !is_secure(t->c, page))
		return COH_NO_NODE;
	return coh_second(t->c, page);
}

static int has_lost(const struct take *t)
{
	for (unsigned i = 0; i < t->txn->n; i++)
		if (coh_dir_at(t->c, t->txn->page + i)->state == COH_D_LOST)
			return 1;
	return 0;
}

int coh_home_must_tell(const struct take *t)
{
	for (unsigned i = 0; i < t->txn->n; i++)
		if (second_of(t, t->txn->page + i) != COH_NO_NODE ||
		    copy_next(t, coh_dir_at(t->c, t->txn->page + i), 0) != COH_NO_NODE)
			return 1;
	return has_lost(t);
}

int coh_home_drop_is_pending(const struct take *t, coh_node node)
{
	return coh_map_has(pending_of(t), node);
}

unsigned coh_home_drop_count_pending(const struct take *t)
{
	return coh_map_count(&t->c->cfg, pending_of(t));
}

/* Who has been told that a page is lost the home does not know: perhaps by another home. */
void coh_home_act_drop(struct take *t)
{
	uint64_t *pending = pending_of(t);
	int lost = has_lost(t);
	struct coh_msg *m;

	if (lost)
		*pending = t->c->view.members;
	for (unsigned i = 0; i < t->txn->n; i++) {
		const struct dir *d = coh_dir_at(t->c, t->txn->page + i);
		for (coh_node k = copy_next(t, d, 0); k != COH_NO_NODE; k = copy_next(t, d, k + 1u))
			coh_map_add(pending, k);
		if (second_of(t, t->txn->page + i) != COH_NO_NODE)
			coh_map_add(pending, second_of(t, t->txn->page + i));
	}
	for (coh_node k = 0; k < t->c->cfg.nodes; k++)
		if (coh_map_has(pending, k)) {
			m = coh_fx_send(t->c, t->fx, k, COH_MSG_DROP, t->txn->page);
			m->n = t->txn->n;
			m->flags = lost ? COH_F_RENEW : 0;
		}
}

/* --- acks --- */

static int has_copy(const struct take *t, const struct dir *d, coh_node node)
{
	return d->state == COH_D_M ? d->owner == node : coh_sharers_has(t->c, d->sharers, node);
}

uint64_t coh_home_kept_of(const struct take *t, uint64_t pages)
{
	uint64_t kept = 0;

	for (unsigned i = 0; i < t->txn->n; i++)
		if (pages >> i & 1 && has_copy(t, coh_dir_at(t->c, t->txn->page + i), t->from))
			kept |= UINT64_C(1) << i;
	return kept;
}

/* The sender's copies are gone, but for those that it keeps. */
void coh_home_act_dropped(struct take *t)
{
	coh_map_remove(pending_of(t), t->from);
	t->txn->drop.kept |= t->kept;
	for (unsigned i = 0; i < t->txn->n; i++) {
		struct dir *d = coh_dir_at(t->c, t->txn->page + i);
		if (t->kept >> i & 1 || !has_copy(t, d, t->from))
			continue;
		if (d->state == COH_D_M) {
			d->state = COH_D_I;
			d->owner = 0;
		} else {
			coh_sharers_remove(t->c, &d->sharers, t->from);
			forget_writer(d);
		}
	}
}

/* --- the end --- */

void coh_home_act_discard_here(struct take *t)
{
	uint16_t n = t->txn->n;
	uint64_t kept = t->txn->drop.kept, gone = ~kept & ~UINT64_C(0) >> (COH_MAX_RUN - n);
	int was_lost = t->dir->state == COH_D_LOST;
	struct coh_msg *m;

	(void)was_lost;
	for (unsigned i = 0; i < n; i++) {
		struct dir *d = coh_dir_at(t->c, t->txn->page + i);
		if (kept >> i & 1)
			continue;
		d->state = COH_D_I;
		coh_sharers_clear(t->c, &d->sharers); /* of an inexact set something may be left */
		forget_writer(d);
		d->migratory = 0;
		d->touched = 0;
	}
	if (!MUTANT(DISCARD_KEEPS_FRAME) && !(MUTANT(LOST_KEEPS_FRAME) && was_lost))
		coh_fx_runs(t->fx, COH_FX_DISCARD_FRAME, t->txn->page, n, gone);
	t->fx->count[COH_N_DISCARD] += (unsigned)__builtin_popcountll(gone);
	m = coh_fx_send(t->c, t->fx, t->txn->requestor, COH_MSG_DISCARDED, t->txn->page);
	m->slot = t->txn->slot;
	m->n = n;
	m->result = kept;
	coh_home_release(t);
}

/* A renewal of pages that are not lost. */
void coh_home_act_renew_none(struct take *t)
{
	uint16_t n = t->txn->n;
	struct coh_msg *m = coh_fx_send(t->c, t->fx, t->txn->requestor, COH_MSG_DISCARDED, t->txn->page);

	m->slot = t->txn->slot;
	m->n = n;
	m->result = ~UINT64_C(0) >> (COH_MAX_RUN - n);
	coh_home_release(t);
}

void coh_home_act_discarded(struct take *t)
{
	coh_home_act_dropped(t);
	coh_home_act_discard_here(t);
}
