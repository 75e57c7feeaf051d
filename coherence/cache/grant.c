/* SPDX-License-Identifier: BSD-2-Clause */
/* The grant of a request: by a message, or by the page that has landed. */
#include <assert.h>
#include <errno.h>

#include "coherence/cache/cache.h"

/* A page that comes without data, from another node, to who has no copy of it, is zero; his frame
 * may hold what the page was before it was freed. */
static int comes_zero(struct coh *c, const struct request *r)
{
	return r->home != c->cfg.self && line_at(c, r->page)->state != COH_C_SM_A &&
	       !MUTANT(ZERO_SKIPPED);
}

/* Whoever wants the page is told that it is lost. */
static void lost(struct coh *c, struct coh_effects *fx, unsigned slot)
{
	coh_fx_add(fx, COH_FX_LOST, request_at(c, slot)->page)->n = 1;
}

/* The first n pages of the request are granted, the others are not. Where none is, the home has
 * nothing to hear of. */
static void request_complete(struct coh *c, struct coh_effects *fx, unsigned slot,
                             enum coh_access access, uint16_t n, int empty)
{
	struct request r = *request_at(c, slot);
	int waiting = 0, rc = 0;

	for (unsigned i = 0; i < r.n; i++)
		waiting |= line_at(c, r.page + i)->faulted;
	coh_request_release(c, slot);
	if (empty && comes_zero(c, &r))
		coh_fx_add(fx, COH_FX_ZERO_FRAME, r.page)->n = n;
	if (n)
		coh_fx_access(fx, r.page, n, access);
	if (waiting)
		coh_fx_wake(fx, r.page, r.n);
	for (unsigned i = 0; i < r.n; i++) {
		struct take t = take_init(c, fx, r.page + i);
		if (i >= n && MUTANT(RUN_TAIL_STUCK))
			continue;
		rc |= coh_cache_take_row(&t, i >= n ? CE_NOT_GRANTED
		                                    : access == COH_WRITE ? CE_GRANT_M : CE_GRANT_S);
	}
	assert(rc == 0);
	(void)rc;
	if (n && !MUTANT(DONE_BEFORE_LANDING))
		coh_fx_send(c, fx, r.home, COH_MSG_DONE, r.page)->n = n;
}

static int request_may_complete(struct coh *c, unsigned slot, unsigned access, unsigned n)
{
	struct request *r = slot < c->cfg.slots ? request_at(c, slot) : NULL;

	if (!r || n == 0 || n > r->n)
		return 0;
	if (r->type == COH_MSG_GETS && access == COH_WRITE) /* migratory */
		return r->n == 1 && c->cfg.migratory;
	return (r->type == COH_MSG_GETS && access == COH_READ) ||
	       (r->type == COH_MSG_GETM && access == COH_WRITE);
}

int coh_cache_landed(struct coh *c, struct coh_tag tag, struct coh_effects *fx)
{
	struct request *r;

	if (!request_may_complete(c, tag.slot, tag.access, tag.n))
		return -EPROTO;
	/* News of a page write tells neither page nor sender. At our own home we can see
	 * whether one is due. */
	r = request_at(c, tag.slot);
	if (r->home == c->cfg.self && !coh_dir_awaits_done(c, r->page, tag.n, tag.access))
		return -EPROTO;
	fx->count[COH_N_FETCH] += tag.n;
	request_complete(c, fx, tag.slot, tag.access, tag.n, 0);
	return 0;
}

/* Of a run nothing: each page is asked for by itself when it is wanted again. */
static int is_refusal(struct coh *c, coh_node from, const struct coh_msg *m)
{
	const struct request *r = m->slot < c->cfg.slots ? request_at(c, m->slot) : NULL;

	return m->access == COH_NONE && r && r->page == m->page && r->home == from &&
	       (r->n > 1 || (c->cfg.survive && (m->flags & COH_F_LOST))) &&
	       (r->type == COH_MSG_GETS || r->type == COH_MSG_GETM);
}

int coh_cache_grant(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	if (is_refusal(c, from, m)) {
		if (m->flags & COH_F_LOST)
			lost(c, fx, m->slot);
		request_complete(c, fx, m->slot, COH_NONE, 0, 0);
		return 0;
	}
	if (!request_may_complete(c, m->slot, m->access, m->n) ||
	    request_at(c, m->slot)->page != m->page || request_at(c, m->slot)->home != from)
		return -EPROTO;
	fx->count[COH_N_GRANT_EMPTY] += m->n;
	request_complete(c, fx, m->slot, m->access, m->n, 1);
	return 0;
}
