/* SPDX-License-Identifier: BSD-2-Clause */
/* What this node's threads want: faults, prefetches, evictions, atomics; and what they do not. */
#include <errno.h>

#include "coherence/cache/cache.h"
#include "coherence/secure.h"

/* Pages from first on, at most n, in this cache state and of one home's block. */
static uint32_t run_length(struct coh *c, uint64_t first, uint32_t n, int in_i)
{
	uint64_t block = coh_block_end(&c->cfg, first);
	uint32_t k = 0;

	while (k < n && first + k < block && k < COH_MAX_RUN &&
	       (line_at(c, first + k)->state == COH_C_I) == in_i)
		k++;
	return k;
}

int coh_cache_fault(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct take t = take_init(c, fx, ev->page);
	int write = ev->kind == COH_EV_WRITE;
	int slot = -1;

	/* Until what was written is on two nodes. */
	if (write && is_secure(c, ev->page) && c->securing.draining &&
	    (t.line->state == COH_C_I || t.line->state == COH_C_S))
		return -EAGAIN;
	if (t.line->state == COH_C_I || (t.line->state == COH_C_S && write)) {
		slot = coh_request_free(c, t.home);
		if (slot < 0)
			return -EAGAIN;
	}
	if (t.line->state == COH_C_S && write)
		coh_cache_hold_end(c, fx, t.page);
	t.request = slot;
	if (t.line->state == COH_C_I && ev->n > 1)
		t.n = run_length(c, ev->page, ev->n, 1);
	fx->consumed = t.n;
	return coh_cache_take_row(&t, write ? CE_WRITE : CE_READ);
}

int coh_cache_prefetch(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct take t = take_init(c, fx, ev->page);
	int slot;

	if (t.line->state != COH_C_I) {
		fx->consumed = run_length(c, ev->page, ev->n, 0);
		return 0;
	}
	slot = coh_request_free(c, t.home);
	if (slot < 0)
		return -EAGAIN;
	t.request = slot;
	t.n = run_length(c, ev->page, ev->n, 1);
	fx->consumed = t.n;
	return coh_cache_take_row(&t, CE_PREFETCH);
}

/* The page was given up, and its frame may have to be used. */
static int is_kept(const struct take *t)
{
	return t->line->state == COH_C_I && coh_view_keeps(t->c, t->page) && !MUTANT(KEPT_DROPPED);
}

/* This node is the second one to hold it. */
static int stays(const struct coh *c, uint64_t page)
{
	return coh_is_copy(c, page) && !MUTANT(COPY_DROPPED);
}

int coh_cache_evict(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct take t = take_init(c, fx, ev->page);
	int slot = coh_request_free(c, t.home);

	if (!coh_cache_has_row(&t, CE_EVICT) || (t.line->state == COH_C_I && stays(c, ev->page)))
		return -EBUSY;
	/* A secure page is evicted when it is on two nodes. */
	if (t.line->state == COH_C_M && is_secure(c, ev->page)) {
		c->securing.draining = 1;
		return 0;
	}
	if ((t.line->state != COH_C_I || is_kept(&t)) && slot < 0)
		return -EAGAIN;
	coh_cache_hold_end(c, fx, t.page); /* which may give it up */
	t.request = slot;
	return coh_cache_take_row(&t, is_kept(&t) ? CE_EVICT_KEPT : CE_EVICT);
}

int coh_cache_atomic(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct take t = take_init(c, fx, ev->page);
	struct coh_msg *m;
	int slot;

	if (is_secure(c, ev->page))
		return -EINVAL;
	if (t.line->state == COH_C_M || t.line->state == COH_C_MI_A) {
		struct coh_effect *e = coh_fx_add(fx, COH_FX_ATOMIC, ev->page);
		e->node = c->cfg.self;
		e->atomic = ev->atomic;
		e->cookie = ev->cookie;
		fx->count[COH_N_ATOMIC]++;
		return 0;
	}
	slot = coh_request_free_atomic(c, t.home);
	if (slot < 0)
		return -EAGAIN;
	*request_at(c, slot) = (struct request){.type = COH_MSG_ATOMIC,
	                                        .home = t.home,
	                                        .serial = coh_view_serial(c),
	                                        .page = ev->page,
	                                        .cookie = ev->cookie};
	++*out_at(c, t.home);
	coh_view_asks(c, (unsigned)slot, &ev->atomic);
	m = coh_fx_send(c, fx, t.home, COH_MSG_ATOMIC, ev->page);
	m->serial = request_at(c, (unsigned)slot)->serial;
	m->slot = slot;
	m->atomic = ev->atomic;
	return 0;
}

int coh_cache_discard(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct take t = take_init(c, fx, ev->page);
	uint64_t left = coh_block_end(&c->cfg, ev->page) - ev->page;
	int slot = coh_request_free_atomic(c, t.home);
	struct coh_msg *m;

	if (slot < 0)
		return -EAGAIN;
	t.n = ev->n < COH_MAX_RUN ? ev->n : COH_MAX_RUN;
	t.n = t.n < left ? t.n : left;
	fx->consumed = t.n;
	/* As an atomic it is beside what the pages' lines are doing. */
	*request_at(c, slot) = (struct request){.type = COH_MSG_DISCARD,
	                                        .flags = ev->kind == COH_EV_RENEW ? COH_F_RENEW : 0,
	                                        .n = t.n,
	                                        .home = t.home,
	                                        .page = ev->page,
	                                        .cookie = ev->cookie};
	++*out_at(c, t.home);
	m = coh_fx_send(c, fx, t.home, COH_MSG_DISCARD, ev->page);
	m->flags = request_at(c, slot)->flags;
	m->slot = slot;
	m->n = t.n;
	return 0;
}
