/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home's automaton: takes rows of its table, one transaction a page at a time; the others
 * queue, and are started when the page is free.
 */
#include <assert.h>
#include <errno.h>

#include "coherence/home/home.h"
#include "coherence/secure.h"

struct home_row {
	void (*act)(struct take *t);
	uint8_t next;
	uint8_t id;
};

static const struct home_row table[COH_DIR_STATES][HOME_EVENTS] = {
#define ROW(state, event, action, to, what, why)                                                   \
	[COH_D_##state][HE_##event] = {coh_home_act_##action, COH_D_##to, ROW_D_##state##_##event},
#include "coherence/home/home.def"
#undef ROW
};

int coh_home_take_row(struct take *t, unsigned state, enum home_event event)
{
	const struct home_row *row = &table[state][event];

	if (!row->act)
		return -EPROTO;
	t->fx->row_taken[row->id] = 1;
	if (row->next >= COH_D_INV)
		t->txn->phase = row->next;
	row->act(t);
	return 0;
}

/* --- starting --- */

/* What needs nothing that a lost page has held. */
static int is_for_lost(const struct take *t)
{
	return t->txn->type == COH_MSG_DISCARD || t->txn->type == COH_MSG_FUTEX_WAIT ||
	       t->txn->type == COH_MSG_FUTEX_WAKE;
}

/* A secure page that is owned: what was written goes to two nodes before anything else. */
static int is_to_be_cleaned(const struct take *t)
{
	if (!t->c->cfg.secure_pages || !is_secure(t->c, t->txn->page) || t->dir->state != COH_D_M ||
	    coh_home_run_waits_for_owner(t))
		return 0;
	return t->txn->type == COH_MSG_GETS || t->txn->type == COH_MSG_GETM ||
	       t->txn->type == COH_MSG_PUSH ||
	       (t->txn->type == COH_MSG_FUTEX_WAIT && !coh_home_asks_queue(t));
}

/* It was the second node's, and is zero; the frame may hold what was there before. */
static void zero_first(struct take *t)
{
	struct secure *s;

	if (!t->c->cfg.secure_pages || !is_secure(t->c, t->txn->page))
		return;
	s = secure_at(t->c, t->txn->page);
	if (!s->zero || t->dir->state > COH_D_S || t->dir->touched)
		return;
	s->zero = 0;
	coh_fx_add(t->fx, COH_FX_ZERO_FRAME, t->txn->page)->n = 1;
}

static enum home_event request_event(const struct take *t)
{
	const struct dir *d = t->dir;
	int own = d->state == COH_D_M && d->owner == t->c->cfg.self && !MUTANT(RECALL_SKIPPED);
	int owner = d->state == COH_D_M && d->owner == t->txn->requestor;

	if (d->state == COH_D_AWAY)
		return coh_home_asks_queue(t) ? HE_WAKE : HE_AWAY;
	if (t->txn->type == COH_MSG_PUSH && d->state != COH_D_M)
		return coh_home_wants_copy(t) ? HE_COPY : HE_COPIED_ALREADY;
	if (is_to_be_cleaned(t))
		return own ? HE_CLEAN_OWN : HE_CLEAN;
	if (d->state == COH_D_LOST && !is_for_lost(t))
		return HE_LOST;
	switch (t->txn->type) {
	case COH_MSG_GETS:
		if (coh_home_run_waits_for_owner(t))
			return HE_RUN;
		if (d->migratory && d->state != COH_D_S && t->txn->n == 1)
			return own ? HE_GETS_MIGRATORY_OWN : HE_GETS_MIGRATORY;
		if (d->state == COH_D_M && !own && t->txn->requestor != t->c->cfg.self &&
		    t->c->refreshing >= t->c->max_refreshing)
			return HE_GETS_FULL;
		return own ? HE_GETS_OWN : HE_GETS;
	case COH_MSG_GETM:
		if (d->state == COH_D_S && !coh_home_has_others(t))
			return HE_GETM_LONE;
		if (d->state == COH_D_S && coh_home_is_second(t))
			return HE_GETM_SECOND;
		return own ? HE_GETM_OWN : HE_GETM;
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE: return coh_home_asks_queue(t) ? HE_WAKE : HE_WAIT;
	case COH_MSG_PUTS: return HE_PUTS;
	case COH_MSG_DISCARD:
		if (is_renewal(t) && !MUTANT(RENEWAL_OF_ALL))
			return HE_RENEW;
		return coh_home_must_tell(t) ? HE_DISCARD : HE_DISCARD_LONE;
	case COH_MSG_PUTM: return !owner ? HE_PUTM_STALE : own ? HE_PUTM_OWN : HE_PUTM;
	default: return t->txn->ran ? HE_ATOMIC_RAN : HE_ATOMIC;
	}
}

/* Pages that nobody has a copy of can be granted for writing together. */
static int is_write_run(const struct take *t)
{
	return t->txn->type == COH_MSG_GETM && t->dir->state == COH_D_I;
}

/* It came before all had reported, and others have had the page since. */
static int is_stale_push(const struct take *t)
{
	return t->txn->type == COH_MSG_PUSH && !(t->txn->flags & COH_F_RESTORE) &&
	       (t->dir->state != COH_D_M || t->dir->owner != t->txn->requestor);
}

void coh_home_start(struct take *t)
{
	enum home_event event;
	int rc;

	t->dir->txn = t->index + 1;
	t->txn->phase = COH_D_DONE;
	if (t->txn->type == COH_MSG_DISCARD)
		t->txn->n = coh_home_claim_free(t);
	else if (t->txn->type != COH_MSG_GETS && !is_write_run(t))
		t->txn->n = 1;
	zero_first(t);
	event = request_event(t);
	if (is_stale_push(t)) {
		coh_home_release(t);
		return;
	}
	if ((t->txn->type == COH_MSG_GETS || t->txn->type == COH_MSG_GETM) &&
	    t->dir->state == COH_D_M && t->dir->owner == t->txn->requestor) {
		t->txn->n = 1; /* of a run nothing was claimed */
		coh_home_release(t); /* an owner has nothing to ask for: a peer out of order */
		return;
	}
	if (MUTANT(RECALL_SKIPPED) && t->dir->state == COH_D_M && t->dir->owner == t->c->cfg.self &&
	    (t->txn->type == COH_MSG_GETS || t->txn->type == COH_MSG_GETM)) {
		coh_home_supply(t, t->txn->type == COH_MSG_GETS ? COH_READ : COH_WRITE);
		return;
	}
	rc = coh_home_take_row(t, t->dir->state, event);
	assert(rc == 0);
	(void)rc;
	if (MUTANT(NOT_BLOCKING) && t->txn->phase == COH_D_DONE && t->txn->type == COH_MSG_GETM)
		coh_home_act_finish_m(t);
}

/* Starts who waits for a page until one of them makes it busy. */
void coh_home_start_next(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	struct dir *d = coh_dir_at(c, page);

	while (!d->txn && d->queue && d->state != COH_D_HELD) {
		struct take t = take_init(c, fx, d->queue - 1);
		d->queue = t.txn->next;
		t.txn->next = 0;
		if (MUTANT(LOSE_QUEUED)) {
			*t.txn = (struct txn){0};
			continue;
		}
		coh_home_start(&t);
	}
}

int coh_home_take_busy(struct take *t, enum home_event event)
{
	uint64_t page = t->txn->page;
	unsigned n = t->txn->n;
	int rc = coh_home_take_row(t, t->txn->phase, event);

	if (rc == 0)
		for (unsigned i = 0; i < n; i++)
			coh_home_start_next(t->c, t->fx, page + i);
	return rc;
}
