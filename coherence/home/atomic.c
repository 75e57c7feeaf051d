/* SPDX-License-Identifier: BSD-2-Clause */
/* An Atomic at the home: on its frame, when nobody has a copy, or by the owner. */
#include "coherence/home/home.h"

/* Where nodes may die the page stays busy until the caller has the answer: until then whoever has
 * done it remembers. */
static void answered(struct take *t, int done)
{
	if (!t->c->cfg.survive || done || MUTANT(ATOMIC_NOT_BLOCKING)) {
		coh_home_release(t);
		return;
	}
	t->txn->phase = COH_D_DONE;
	t->txn->waits = TXN_WAIT_DONE;
}

void coh_home_act_atomic_again(struct take *t)
{
	struct coh_msg *m =
	        coh_fx_send(t->c, t->fx, t->txn->requestor, COH_MSG_ATOMIC_RESP, t->txn->page);

	m->slot = t->txn->slot;
	m->result = t->txn->result;
	t->txn->waits = TXN_WAIT_DONE;
}

void coh_home_act_finish_atomic(struct take *t)
{
	coh_home_release(t);
}

void coh_home_act_atomic_here(struct take *t)
{
	t->dir->state = COH_D_I;
	coh_sharers_clear(t->c, &t->dir->sharers);
	forget_writer(t->dir);
	if (!MUTANT(UNTOUCHED_AFTER_ATOMIC))
		t->dir->touched = 1;
	coh_answer_atomic(t->c, t->fx, t->txn->requestor, t->txn->slot, t->txn->page,
	                  &t->txn->atomic, t->txn->serial);
	answered(t, t->txn->requestor == t->c->cfg.self);
}

void coh_home_act_acked_atomic(struct take *t)
{
	ack(t);
	coh_home_act_atomic_here(t);
}

/* Another node is to see what this one has written: its cache says when (cache/leave.c). */
static int is_seen(const struct take *t)
{
	return t->c->cfg.secure_pages && t->txn->requestor != t->c->cfg.self;
}

void coh_home_act_fwd_atomic(struct take *t)
{
	/* Not by a message to ourselves: as many may wait as there are requests, and the
	 * queue of those messages is shorter. */
	if (t->dir->owner == t->c->cfg.self && !is_seen(t))
		coh_answer_atomic(t->c, t->fx, t->txn->requestor, t->txn->slot, t->txn->page,
		                  &t->txn->atomic, t->txn->serial);
	else
		coh_home_fwd(t, COH_MSG_FWD_ATOMIC, 0)->atomic = t->txn->atomic;
	answered(t, t->dir->owner == t->c->cfg.self && t->txn->requestor == t->c->cfg.self);
}
