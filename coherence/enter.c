/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view begins. Whatever was under way ends, at the cache and at the home, and is asked for
 * again by the threads that wanted it, who are woken. The fence and what landed before it
 * (COH_EV_LANDED) come first: a page that is here was granted, and is reported as such.
 */
#include <errno.h>
#include <string.h>

#include "coherence/secure.h"

int coh_view_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	uint32_t last = c->view.next ? c->view.next : c->view.number;

	if (!c->cfg.survive || ev->view <= last || (ev->members & ~c->view.members) ||
	    !(ev->members >> c->cfg.self & 1))
		return -EINVAL;
	c->view.next = ev->view;
	c->view.next_members = ev->members;
	coh_fx_add(fx, COH_FX_FENCE, 0);
	return 0;
}

/* --- the cache --- */

/* A message that waits for a tenure's end is of the old view: nobody waits for its answer. */
static void end_tenures(struct coh *c)
{
	for (unsigned i = 0; i < c->cfg.holds; i++) {
		struct hold *h = hold_at(c, i);
		if (!h->taken || h->over)
			continue;
		if (MUTANT(DEFERRED_SURVIVES) && h->deferred)
			continue;
		line_at(c, h->page)->hold = 0;
		*h = (struct hold){.taken = 1, .over = 1};
	}
}

/* The state of a line without its request. */
static uint8_t settled(unsigned state)
{
	switch (state) {
	case COH_C_IS_D:
	case COH_C_IM_D:
	case COH_C_II_A: return COH_C_I;
	case COH_C_SM_A: return MUTANT(REQUEST_SURVIVES) ? COH_C_SM_A : COH_C_S;
	case COH_C_MS_A: /* nobody else has seen it, and it is pushed again */
		return MUTANT(PUSHED_SHARED) ? COH_C_S : COH_C_MS_A;
	case COH_C_MI_A: return COH_C_M;
	default: return (uint8_t)state;
	}
}

static void end_request(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	struct line *line = line_at(c, page);
	struct kept *k = kept_at(c, page);

	k->wanted = line->request ? request_at(c, line->request - 1u)->serial : 0;
	line->state = settled(line->state);
	line->request = 0;
	if (line->faulted)
		coh_fx_wake(fx, page, 1);
	line->faulted = 0;
}

/* What no thread would ask for again. A renewal is over: what it has made anew may hold something
 * since, and be lost again, which is for its caller to see. */
static int is_asked_again(const struct request *r)
{
	return r->type == COH_MSG_ATOMIC ||
	       (r->type == COH_MSG_DISCARD && (!(r->flags & COH_F_RENEW) || MUTANT(RENEWAL_ASKED_AGAIN)));
}

static int is_told(const struct request *r)
{
	return (r->type == COH_MSG_FUTEX_WAKE && !MUTANT(WAKE_FORGOTTEN)) ||
	       (r->type == COH_MSG_DISCARD && !is_asked_again(r) && !MUTANT(RENEWAL_FORGOTTEN));
}

/* Whoever waits for a word is woken: a wake may have been lost, with the home that had the queue or
 * on its way. Of a wake nobody knows how many it has found. */
static void end_waits(struct coh *c, struct coh_effects *fx)
{
	for (unsigned i = 0; i < c->cfg.futex_slots; i++)
		if (dozer_at(c, i)->state != DOZE_FREE && !MUTANT(SLEEP_SURVIVES))
			coh_dozer_end(c, fx, i, -ESTALE);
	for (unsigned i = 0; i < c->cfg.slots; i++)
		if (is_told(request_at(c, i)))
			coh_fx_complete(fx, request_at(c, i)->cookie, -ESTALE, 0);
}

static void enter_cache(struct coh *c, struct coh_effects *fx)
{
	end_tenures(c);
	for EACH_USED(c, p)
		if (line_at(c, p)->state || kept_at(c, p)->is || kept_at(c, p)->wanted)
			end_request(c, fx, p);
	coh_secure_enter_cache(c, fx);
	end_waits(c, fx);
	coh_sync_enter(c, fx);
	for (unsigned i = 0; i < c->cfg.slots; i++)
		if (!is_asked_again(request_at(c, i)))
			*request_at(c, i) = (struct request){0};
	memset(out_at(c, 0), 0, c->cfg.nodes * sizeof(uint16_t));
}

/* --- the home --- */

/* What a transaction under way tells of a page that a node owned. */
static struct record record_owned(const struct coh *c, const struct dir *d, const struct txn *txn)
{
	int lent = txn && (txn->type == COH_MSG_GETS || txn->phase == COH_D_PULL);

	/* Of a secure page what its owner gave up is here. */
	if (txn && txn->phase == COH_D_COPY)
		return (struct record){.kind = REC_CURRENT};
	/* Done may be missing, but the refresh has landed. The home's own read lands in its frame,
	 * and is over then. */
	if (txn && txn->type == COH_MSG_GETS && txn->phase == COH_D_DONE &&
	    !(txn->waits & TXN_WAIT_REFRESH) && txn->requestor != c->cfg.self)
		return (struct record){.kind = REC_CURRENT};
	if (MUTANT(DROPPED_IS_CURRENT) && txn && txn->type == COH_MSG_DISCARD)
		return (struct record){.kind = REC_CURRENT};
	if (MUTANT(DONE_IS_REFRESH) && lent && !(txn->waits & TXN_WAIT_DONE))
		return (struct record){.kind = REC_CURRENT};
	return (struct record){.kind = REC_OWNED, .node = d->owner, .lent = (uint8_t)lent};
}

static struct record record_of(struct coh *c, const struct dir *d)
{
	const struct txn *txn = d->txn ? txn_at(c, d->txn - 1u) : NULL;

	switch (d->state) {
	case COH_D_LOST: return (struct record){.kind = REC_UNKNOWN};
	case COH_D_AWAY:
		if (MUTANT(AWAY_IS_CURRENT))
			return (struct record){.kind = REC_CURRENT};
		return (struct record){.kind = REC_AWAY, .node = d->owner};
	case COH_D_M: return record_owned(c, d, txn);
	default: break;
	}
	if (txn && txn->phase == COH_D_DONE && txn->type == COH_MSG_GETM)
		return (struct record){.kind = REC_GRANTING, .node = txn->requestor};
	return (struct record){.kind = REC_CURRENT};
}

/* A view that ends before all have reported leaves the older record; but who was perhaps granted the
 * page may have said whether he was. */
static void record_again(struct coh *c, struct record *r, uint64_t page, uint64_t old_members)
{
	uint64_t reported = old_members & ~c->view.unreported;

	if (r->kind != REC_GRANTING || !(reported >> r->node & 1))
		return;
	if (said_at(c, page, r->node)->access == COH_WRITE)
		r->kind = REC_OWNED;
	else
		*r = (struct record){.kind = REC_CURRENT};
}

static void enter_home_of(struct coh *c, uint64_t page, uint64_t old_members)
{
	int was_home = coh_home_among(&c->cfg, old_members, page) == c->cfg.self;
	struct record *r = record_at(c, page);
	struct dir *d = coh_dir_at(c, page);

	if (!was_home)
		*r = (struct record){.kind = coh_secure_inherits(c, page, old_members)
		                                     ? REC_BACKUP
		                                     : REC_UNKNOWN};
	else if (c->view.rebuilding && !MUTANT(RECORD_FORGOTTEN))
		record_again(c, r, page, old_members);
	else
		*r = record_of(c, d);
	d->txn = d->queue = 0;
	forget_said(c, page);
}

static void enter_home(struct coh *c, uint64_t old_members)
{
	int is_home = (int)(coh_view_homes(c) >> c->cfg.self & 1);

	for EACH_USED(c, p)
		if (coh_home(c, p) == c->cfg.self)
			enter_home_of(c, p, old_members);
	coh_secure_enter(c, old_members);
	coh_view_note_before(c, old_members);
	memset(txn_at(c, 0), 0, c->n_txns * sizeof(struct txn));
	memset(in_at(c, 0), 0, c->cfg.nodes * sizeof(uint16_t));
	coh_sync_home_enter(c);
	if (!MUTANT(SLEEPERS_KEPT)) {
		memset(sleeper_at(c, 0), 0, c->n_sleepers * sizeof(struct sleeper));
		memset(queue_at(c, 0), 0, c->n_queues * sizeof(struct doze_queue));
		c->asleep = 0;
	}
	c->refreshing = 0;
	c->view.rebuilding = (uint8_t)is_home;
	c->view.unreported = is_home ? c->view.members : 0;
}

/* --- both --- */

int coh_view_enter(struct coh *c, struct coh_effects *fx)
{
	uint64_t old_members = c->view.members;

	if (!c->view.next)
		return -EINVAL;
	enter_cache(c, fx);
	c->view.number = c->view.next;
	c->view.members = c->view.next_members;
	c->view.next = 0;
	c->view.next_members = 0;
	enter_home(c, old_members);
	c->view.reporting = 1;
	c->view.report_at = 0;
	c->view.starting = 0;
	c->view.start_at = 0;
	coh_view_report(c, fx);
	return 0;
}
