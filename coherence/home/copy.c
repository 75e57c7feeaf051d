/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secure pages at the home (secure.h). What an owner has written comes to the home's frame before anybody
 * else gets the page, and from there to the second node; the owner is told, and says when others may see
 * it.
 */
#include "coherence/home/home.h"
#include "coherence/secure.h"

static int is_restore(const struct txn *txn)
{
	return txn->type == COH_MSG_PUSH && txn->flags & COH_F_RESTORE;
}

/* --- an owner's page --- */

void coh_home_act_clean(struct take *t)
{
	coh_home_fwd(t, COH_MSG_FWD_GETS, COH_FILL_LANDING)->flags = COH_F_PULL;
	t->txn->waits = TXN_WAIT_REFRESH;
}

void coh_home_act_clean_own(struct take *t)
{
	coh_home_fwd(t, COH_MSG_FWD_GETS, 0)->flags = COH_F_RECALL;
}

/* The request that has waited for it is the next one again; a Push is over. */
static void put_back(struct take *t)
{
	struct dir *d = t->dir;

	t->txn->waits = 0;
	if (t->txn->type == COH_MSG_PUSH) {
		if (is_restore(t->txn))
			t->c->securing.restore_out--;
		coh_home_release(t);
		return;
	}
	t->txn->phase = 0;
	t->txn->next = d->queue;
	d->queue = t->index + 1;
	d->txn = 0;
}

/* Pushes of the owner's that have waited: they were for this. */
static void forget_pushes(struct take *t)
{
	coh_ref *link = &t->dir->queue;

	while (*link) {
		struct txn *txn = txn_at(t->c, *link - 1u);
		if (txn->type != COH_MSG_PUSH || is_restore(txn) || txn->requestor != t->dir->owner) {
			link = &txn->next;
			continue;
		}
		*link = txn->next;
		--*in_at(t->c, txn->requestor);
		*txn = (struct txn){0};
	}
}

static void secured(struct take *t)
{
	struct dir *d = t->dir;

	forget_pushes(t);

	coh_fx_send(t->c, t->fx, d->owner, COH_MSG_SECURED, t->txn->page);
	d->sharers = node_bit(d->owner);
	d->state = COH_D_HELD;
	if (MUTANT(SEEN_AT_ONCE)) {
		d->state = COH_D_S;
		d->owner = 0;
	}
	put_back(t);
}

static void ask_for_copy(struct take *t, coh_node second)
{
	t->txn->phase = COH_D_COPY;
	t->txn->waits = 0;
	coh_fx_send(t->c, t->fx, second, COH_MSG_COPY, t->txn->page);
	t->fx->count[COH_N_COPY]++;
}

void coh_home_act_cleaned(struct take *t)
{
	coh_node second = coh_second(t->c, t->txn->page);
	struct secure *s = secure_at(t->c, t->txn->page);

	s->base = BASE_FILLED;
	s->zero = 0;
	if (second == COH_NO_NODE || second == t->dir->owner || MUTANT(COPY_SKIPPED))
		secured(t);
	else
		ask_for_copy(t, second);
}

/* --- the copy --- */

void coh_home_act_copy_here(struct take *t)
{
	struct coh_effect *e = coh_fx_add(t->fx, COH_FX_MOVE, t->txn->page);

	t->txn->waits = TXN_WAIT_DONE;
	e->n = 1;
	e->node = t->from;
	e->landing = *t->landing;
	e->tag = coh_tag_encode((struct coh_tag){
		.to_home = 1, .home_index = (uint32_t)coh_dir_number(t->c, t->txn->page)});
	if (MUTANT(COPY_NOT_AWAITED))
		coh_home_act_copied(t);
}

void coh_home_act_copied(struct take *t)
{
	if (t->dir->state == COH_D_M)
		secured(t);
	else
		put_back(t);
}

/* The home's own round has nothing to do here. */
void coh_home_act_copied_already(struct take *t)
{
	put_back(t);
}

void coh_home_act_copy(struct take *t)
{
	ask_for_copy(t, coh_second(t->c, t->txn->page));
}

int coh_home_wants_copy(const struct take *t)
{
	coh_node second = coh_second(t->c, t->txn->page);
	const struct dir *d = t->dir;

	return is_restore(t->txn) && (d->state == COH_D_I || d->state == COH_D_S) && d->touched &&
	       second != COH_NO_NODE && !(d->sharers >> second & 1);
}

/* --- others may see it --- */

void coh_home_act_seen(struct take *t)
{
	t->dir->state = COH_D_S;
	t->dir->owner = 0;
}
