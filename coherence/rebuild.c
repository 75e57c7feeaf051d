/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home knows its pages again when every member of the view has reported, and grants nothing
 * before. What it then takes for current, in this order:
 *
 *      what a node may write;
 *      its own frame, where it has lived and knew that nobody could have written since;
 *      what nodes may read: the page comes to its frame when it is next asked for (AWAY);
 *      a frame that was given up for a request that never got it;
 *      nothing: the page is lost.
 */
#include <errno.h>

#include "coherence/home/home.h"
#include "coherence/secure.h"

/* --- one page --- */

static int has_own_frame(struct coh *c, uint64_t page, const struct record *r, uint64_t readers)
{
	/* What was granted to the owner of a secure page that has died: what he wrote nobody saw. */
	if (c->cfg.secure_pages && is_secure(c, page))
		/* Without a copy it is zero; but half discarded, somebody may read it still. */
		return secure_at(c, page)->base == BASE_FILLED ||
		       (secure_at(c, page)->base == BASE_ZERO && !(r->kind == REC_BACKUP && readers));
	/* Who was perhaps granted the page and lives would have reported it. */
	return r->kind == REC_CURRENT ||
	       (r->kind == REC_GRANTING && (is_member(c, r->node) || MUTANT(DEAD_GRANTED_NOTHING)));
}

/* Whether the request that node's frame was given up for is one that the view has ended. */
static int is_claim(struct coh *c, uint64_t page, coh_node node)
{
	const struct said *s = said_at(c, page, node);

	if (!s->kept)
		return 0;
	if (MUTANT(CLAIM_UNCHECKED))
		return 1;
	return s->serial && is_member(c, s->node) &&
	       said_at(c, page, s->node)->wanted == s->serial;
}

/* The home had lent the page, or was about to take it from there. */
static int is_lent(struct coh *c, uint64_t page, coh_node node, const struct record *r)
{
	return r->node == node && said_at(c, page, node)->kept &&
	       ((r->kind == REC_OWNED && r->lent) || r->kind == REC_AWAY);
}

static coh_node keeper_of(struct coh *c, uint64_t page, const struct record *r)
{
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (is_member(c, i) && (is_claim(c, page, i) || is_lent(c, page, i, r)))
			return i;
	return COH_NO_NODE;
}

static uint64_t who_may(struct coh *c, uint64_t page, enum coh_access access)
{
	uint64_t map = 0;

	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (said_at(c, page, i)->access == access)
			map |= node_bit(i);
	return map;
}

static void from_node(struct coh *c, struct dir *d, coh_node node)
{
	d->touched = 1;
	if (node == c->cfg.self) {
		d->state = d->sharers ? COH_D_S : COH_D_I;
		return;
	}
	d->state = COH_D_AWAY;
	d->owner = node;
}

/* An atomic that was done and not answered is answered before anybody else has the page. */
static void note_ran(struct coh *c, struct dir *d, const struct said *s)
{
	coh_ref *link = &d->queue, found;

	for (; *link; link = &txn_at(c, *link - 1u)->next) {
		struct txn *txn = txn_at(c, *link - 1u);
		if (txn->type != COH_MSG_ATOMIC || txn->requestor != s->ran_node ||
		    txn->serial != s->ran_serial || txn->ran)
			continue;
		found = *link;
		txn->ran = 1;
		txn->result = s->ran_result;
		if (MUTANT(ANSWERED_IN_TURN))
			return;
		*link = txn->next;
		txn->next = d->queue;
		d->queue = found;
		return;
	}
}

static void rebuild(struct coh *c, uint64_t page)
{
	struct record *r = record_at(c, page);
	struct dir *d = coh_dir_at(c, page);
	uint64_t writers = who_may(c, page, COH_WRITE), readers = who_may(c, page, COH_READ);
	coh_node keeper = keeper_of(c, page, r);
	const int secure = c->cfg.secure_pages && is_secure(c, page);
	int own;

	if (secure)
		coh_secure_rebase(c, page, r, d->touched);
	own = has_own_frame(c, page, r, readers);

	d->owner = 0;
	d->sharers = writers ? 0 : readers;
	if (writers) {
		d->state = COH_D_M;
		d->owner = (coh_node)__builtin_ctzll(writers);
		d->touched = 1;
	} else if (own || MUTANT(LOST_FALLS_BACK)) {
		d->state = readers ? COH_D_S : COH_D_I;
		d->touched = secure ? secure_at(c, page)->base == BASE_FILLED : d->touched;
	} else if (readers) {
		from_node(c, d, readers >> c->cfg.self & 1 ? c->cfg.self
		                                           : (coh_node)__builtin_ctzll(readers));
	} else if (keeper != COH_NO_NODE) {
		from_node(c, d, keeper);
	} else {
		d->state = COH_D_LOST;
	}
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (said_at(c, page, i)->ran_serial)
			note_ran(c, d, said_at(c, page, i));
	*r = (struct record){0};
	forget_said(c, page);
}

/* --- all of them --- */

/* Requests that came before the last report: a part of them in this step. */
static void start_pages(struct coh *c, struct coh_effects *fx)
{
	while (c->view.starting &&
	       (c->view.start_at = coh_view_next_used(c, c->view.start_at)) < coh_pages(&c->cfg)) {
		uint64_t page = c->view.start_at++;
		if (coh_home(c, page) != c->cfg.self || !coh_dir_at(c, page)->queue)
			continue;
		coh_home_start_next(c, fx, page);
		if (fx->self_len > COH_SELF_MAX / 4 || fx->len > fx->cap / 2)
			return;
	}
}

/* ... and who waits for a mutex. */
static void start_objects(struct coh *c, struct coh_effects *fx)
{
	const uint64_t pages = coh_pages(&c->cfg);

	for (; c->view.start_at < pages + coh_objects(&c->cfg); c->view.start_at++) {
		if (fx->self_len > COH_SELF_MAX / 4 || fx->len > fx->cap / 2 ||
		    coh_sync_revive(c, (uint32_t)(c->view.start_at - pages), fx))
			return;
	}
	c->view.starting = 0;
	c->view.start_at = 0;
	c->securing.restoring = c->securing.homes >> c->cfg.self & 1;
}

void coh_view_start(struct coh *c, struct coh_effects *fx)
{
	start_pages(c, fx);
	if (c->view.starting && c->view.start_at >= coh_pages(&c->cfg))
		start_objects(c, fx);
}

static void rebuild_all(struct coh *c, struct coh_effects *fx)
{
	for EACH_USED(c, p)
		if (coh_home(c, p) == c->cfg.self)
			rebuild(c, p);
	c->view.rebuilding = 0;
	c->view.starting = 1;
	coh_barrier_revive(c, fx);
	coh_view_start(c, fx);
}

static int take(struct coh *c, coh_node from, const struct coh_msg *m)
{
	struct said *s = said_at(c, m->page, from);

	if (m->flags & COH_F_HOLDS)
		return coh_sync_take_held(c, from, m->result);
	if (m->flags & COH_F_BARRIER)
		return coh_barrier_take_report(c, from, m->result);
	if (coh_home(c, m->page) != c->cfg.self)
		return -EPROTO;
	if (m->flags & COH_F_RAN) {
		s->ran_node = m->requestor;
		s->ran_serial = m->serial;
		s->ran_result = m->result;
		return 0;
	}
	s->access = m->access;
	s->kept = !!(m->flags & COH_F_KEPT);
	s->node = s->kept ? m->requestor : 0;
	s->serial = s->kept ? m->serial : 0;
	s->wanted = (uint32_t)m->result;
	return 0;
}

int coh_view_take_report(struct coh *c, coh_node from, const struct coh_msg *m,
                         struct coh_effects *fx)
{
	int empty = m->access == COH_NONE && !m->result && !(m->flags & ~COH_F_LAST);

	if (!c->cfg.survive || !(c->view.unreported >> from & 1) || m->requestor >= c->cfg.nodes)
		return -EPROTO;
	if (empty ? !(m->flags & COH_F_LAST) : take(c, from, m) != 0)
		return -EPROTO;
	if (m->flags & COH_F_LAST)
		c->view.unreported &= ~node_bit(from);
	if (!c->view.unreported || (MUTANT(REPORTS_NOT_AWAITED) && from == c->cfg.self))
		rebuild_all(c, fx);
	return 0;
}
