/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to the cache, from homes and owners, as they arrive. */
#include <errno.h>

#include "coherence/cache/cache.h"
#include "coherence/secure.h"

static int cache_atomic_resp(struct coh *c, const struct coh_msg *m, struct coh_effects *fx)
{
	struct request *r = coh_request_check(c, m->slot, COH_MSG_ATOMIC, m->page);

	if (!r || (r->home == c->cfg.self && coh_dir_has_own(c, m->page, m->slot)))
		return -EPROTO; /* nobody can have carried it out yet */
	coh_fx_complete(fx, r->cookie, m->flags & COH_F_LOST ? -EIO : 0, m->result);
	if (c->cfg.survive && !(m->flags & COH_F_LOST))
		coh_fx_send(c, fx, r->home, COH_MSG_DONE, m->page);
	coh_request_release(c, m->slot);
	return 0;
}

/* Behind the first page of a run are others, which somebody may want before that is let go of. */
static int may_wait(const struct coh_msg *m)
{
	return !(m->flags & COH_F_RUN) || MUTANT(RUN_WAITS_AT_OWNER);
}

static int held_event(const struct take *t, enum cache_event event)
{
	if (!t->line->hold && !(t->msg->flags & COH_F_HELD))
		return event;
	switch (event) {
	case CE_CLEAN: return t->line->state == COH_C_M ? CE_CLEAN_HELD : CE_CLEAN;
	case CE_INV: return CE_INV_HELD;
	case CE_FWD_GETS: return may_wait(t->msg) ? CE_FWD_GETS_HELD : CE_FWD_GETS_RUN_HELD;
	case CE_FWD_GETM: return CE_FWD_GETM_HELD;
	default: return event;
	}
}

/* A Fwd of the home's that this node can carry out. */
static int fwd_is_valid(struct coh *c, coh_node from, const struct coh_msg *m)
{
	if (m->flags & (COH_F_RECALL | COH_F_PULL))
		return (from == c->cfg.self) == !!(m->flags & COH_F_RECALL);
	/* Page writes never go to the node itself: it would be the requestor as well as the
	 * owner. An atomic of its own may well find it the owner. */
	if (m->type == COH_MSG_FWD_ATOMIC)
		return m->requestor != c->cfg.self ||
		       coh_request_check(c, m->slot, COH_MSG_ATOMIC, m->page);
	return m->requestor != c->cfg.self;
}

static int cache_discarded(struct coh *c, const struct coh_msg *m, struct coh_effects *fx)
{
	struct request *r = coh_request_check(c, m->slot, COH_MSG_DISCARD, m->page);

	if (!r || m->n > r->n || (r->home == c->cfg.self && coh_dir_has_own(c, m->page, m->slot)))
		return -EPROTO;
	coh_fx_complete(fx, r->cookie, 0, m->result);
	fx->list[fx->len - 1].n = m->n;
	coh_request_release(c, m->slot);
	return 0;
}

static void lower(struct coh_effects *fx, const struct coh_msg *m, uint64_t map)
{
	if (!MUTANT(DROP_KEEPS_ACCESS))
		coh_fx_runs(fx, COH_FX_SET_ACCESS, m->page, m->n, map); /* access: COH_NONE */
	fx->count[COH_N_INV] += (unsigned)__builtin_popcountll(map);
}

/* For a run, whose pages are in any states. */
static int cache_drop(struct coh *c, const struct coh_msg *m, struct coh_effects *fx)
{
	struct dropped d = {0};
	coh_node home = coh_home(c, m->page);
	int rc = 0;

	if (m->flags & COH_F_RENEW) {
		if (!c->cfg.survive)
			return -EPROTO;
		if (!MUTANT(RENEWAL_UNTOLD))
			coh_fx_add(fx, COH_FX_RENEWED, m->page)->n = m->n;
	}
	for (unsigned i = 0; i < m->n; i++) {
		struct take t = take_init(c, fx, m->page + i);
		int held = (t.line->hold || m->result >> i & 1) &&
		           coh_cache_has_row(&t, CE_DROP_HELD);

		d.bit = UINT64_C(1) << i;
		t.dropped = &d;
		rc |= coh_cache_take_row(&t, held ? CE_DROP_HELD : CE_DROP);
		if (t.line->state == COH_C_I)
			coh_secure_list(c, t.page, LIST_NONE);
		coh_secure_forget_copy(c, t.page);
	}
	lower(fx, m, d.lowered);
	if (home != c->cfg.self) /* else it is the home's frame */
		coh_fx_runs(fx, COH_FX_DROP_FRAME, m->page, m->n, d.given_up);
	coh_fx_send(c, fx, home, COH_MSG_DROP_ACK, m->page)->result = d.kept;
	return rc;
}

/* A home asks for what was written to a secure page. */
static int is_clean(const struct coh *c, const struct coh_msg *m)
{
	return is_secure(c, m->page) && m->type == COH_MSG_FWD_GETS &&
	       m->flags & (COH_F_PULL | COH_F_RECALL);
}

static int secured(struct take *t)
{
	const struct secure *s = secure_at(t->c, t->page);

	if (!is_secure(t->c, t->page) || (s->list != LIST_PUSHED && s->list != LIST_CLEANED))
		return -EPROTO;
	return coh_cache_take_row(t, CE_SECURED);
}

int coh_cache_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	struct take t;
	enum cache_event event;

	if (m->type == COH_MSG_ATOMIC_RESP)
		return cache_atomic_resp(c, m, fx);
	t = take_init(c, fx, m->page);
	if (from != t.home)
		return -EPROTO;
	t.msg = m;
	switch (m->type) {
	case COH_MSG_DROP: return cache_drop(c, m, fx);
	case COH_MSG_DISCARDED: return cache_discarded(c, m, fx);
	case COH_MSG_FUTEX_RESP: return coh_cache_futex_resp(c, m, fx);
	case COH_MSG_FUTEX_WOKEN: return coh_cache_futex_woken(c, m, fx);
	case COH_MSG_GRANT: return coh_cache_grant(c, from, m, fx);
	case COH_MSG_PUT_ACK:
		return coh_cache_take_row(&t, CE_PUT_ACK);
	case COH_MSG_SECURED: return secured(&t);
	case COH_MSG_INV: break;
	case COH_MSG_FWD_COMPARE:
		if (is_secure(c, m->page))
			return -EPROTO; /* the home has it then */
		break;
	case COH_MSG_FWD_GETS:
	case COH_MSG_FWD_GETM:
	case COH_MSG_FWD_ATOMIC:
		if (!fwd_is_valid(c, from, m) || (is_secure(c, m->page) && !is_clean(c, m)))
			return -EPROTO;
		break;
	default: return -EPROTO;
	}
	if (m->flags & COH_F_SALVAGE)
		return m->type == COH_MSG_FWD_GETS && c->cfg.survive ? coh_cache_take_row(&t, CE_SALVAGE) : -EPROTO;
	event = held_event(&t, is_clean(c, m) ? CE_CLEAN : coh_cache_event_of(m->type));
	if (t.line->hold && hold_at(c, t.line->hold - 1)->deferred && event != CE_FWD_ATOMIC)
		return -EPROTO; /* the home waits for our answer to the first */
	return coh_cache_take_fwd(&t, event);
}
