/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache side: local faults, evictions and atomics, and what homes and owners answer. */
#include <assert.h>
#include <errno.h>

#include "coherence/cache/cache.h"

struct cache_row {
	void (*act)(struct take *t);
	uint8_t next;
	uint8_t id;
};
static const struct cache_row table[COH_CACHE_STATES][CACHE_EVENTS];

static const struct cache_row *row_of(const struct take *t, enum cache_event event)
{
	const struct cache_row *row = &table[t->line->state][event];

	return row->act ? row : NULL;
}

int coh_cache_has_row(const struct take *t, enum cache_event event)
{
	return row_of(t, event) != NULL;
}

int coh_cache_take_row(struct take *t, enum cache_event event)
{
	const struct cache_row *row = row_of(t, event);

	if (!row)
		return -EPROTO;
	t->event = event;
	t->fx->row_taken[row->id] = 1;
	row->act(t);
	t->line->state = row->next;
	return 0;
}

/* --- requests --- */

static void request_take(struct take *t, enum coh_msg_type type, uint16_t n)
{
	*request_at(t->c, t->request) =
	        (struct request){.type = type, .n = n, .home = t->home, .page = t->page};
	++*out_at(t->c, t->home);
	for (unsigned i = 0; i < n; i++)
		line_at(t->c, t->page + i)->request = t->request + 1;
}

struct coh_msg *coh_cache_send(struct take *t, enum coh_msg_type type, uint16_t n)
{
	struct coh_msg *m;

	request_take(t, type, n);
	m = coh_fx_send_fill(t->c, t->fx, t->home, type, t->page,
	                     type == COH_MSG_GETS || type == COH_MSG_GETM ? COH_FILL_LANDING : 0);
	m->slot = t->request;
	m->n = n;
	if (MUTANT(SLOT_REUSED) && t->home != t->c->cfg.self)
		coh_request_release(t->c, t->request);
	if (MUTANT(DONE_BEFORE_LANDING) && (type == COH_MSG_GETS || type == COH_MSG_GETM))
		coh_fx_send(t->c, t->fx, t->home, COH_MSG_DONE, t->page)->n = n;
	return m;
}

/* --- tenure --- */

void coh_cache_hold_start(struct take *t)
{
	struct coh *c = t->c;

	for (unsigned i = 0; i < c->cfg.holds; i++) {
		struct hold *h = hold_at(c, i);
		if (h->taken)
			continue;
		*h = (struct hold){.taken = 1, .page = t->page};
		t->line->hold = i + 1;
		coh_fx_add(t->fx, COH_FX_TIMER, t->page)->slot = i;
		return;
	}
	if (c->cfg.holds)
		t->fx->count[COH_N_NO_HOLD]++;
}

enum cache_event coh_cache_event_of(unsigned type)
{
	switch (type) {
	case COH_MSG_INV: return CE_INV;
	case COH_MSG_FWD_GETS: return CE_FWD_GETS;
	case COH_MSG_FWD_GETM: return CE_FWD_GETM;
	case COH_MSG_FWD_ATOMIC: return CE_FWD_ATOMIC;
	default: return CE_PUT_ACK;
	}
}

/* Takes the message that waited for the tenure's end, if any. */
static void hold_take_deferred(struct coh *c, struct coh_effects *fx, const struct hold *h)
{
	struct take t = take_init(c, fx, h->page);
	struct coh_msg m = {
	        .type = h->deferred,
	        .flags = h->flags,
	        .requestor = h->requestor,
	        .n = h->n,
	        .slot = h->slot,
	        .page = h->page,
	        .landing = h->landing,
	        .refresh = h->refresh,
	};
	int rc;

	if (!h->deferred || MUTANT(TENURE_DROPS))
		return;
	t.msg = &m;
	rc = coh_cache_take_row(&t, coh_cache_event_of(h->deferred));
	assert(rc == 0);
	(void)rc;
}

void coh_cache_hold_end(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	struct line *line = line_at(c, page);
	struct hold *h, was;

	if (!line->hold)
		return;
	h = hold_at(c, line->hold - 1);
	was = *h;
	line->hold = 0;
	*h = (struct hold){.taken = 1, .over = 1};
	hold_take_deferred(c, fx, &was);
}

int coh_cache_timer(struct coh *c, unsigned slot, struct coh_effects *fx)
{
	struct hold *h, was;

	if (slot >= c->cfg.holds || !hold_at(c, slot)->taken)
		return -EINVAL;
	h = hold_at(c, slot);
	was = *h;
	if (MUTANT(TENURE_FOR_EVER) && was.deferred) {
		coh_fx_add(fx, COH_FX_TIMER, was.page)->slot = slot;
		return 0;
	}
	*h = (struct hold){0};
	if (was.over)
		return 0;
	line_at(c, was.page)->hold = 0;
	hold_take_deferred(c, fx, &was);
	return 0;
}

/* --- actions --- */

void coh_cache_act_get(struct take *t)
{
	int write = t->event == CE_WRITE;

	t->line->faulted = 1;
	for (unsigned i = 1; i < t->n; i++)
		line_at(t->c, t->page + i)->state = COH_C_IS_D;
	coh_cache_send(t, write ? COH_MSG_GETM : COH_MSG_GETS, t->n);
	t->fx->count[COH_N_PREFETCH] += t->n - 1;
	t->fx->count[write ? COH_N_WRITE_MISS : COH_N_READ_MISS]++;
}

void coh_cache_act_get_ahead(struct take *t)
{
	for (unsigned i = 0; i < t->n; i++)
		line_at(t->c, t->page + i)->state = COH_C_IS_D;
	coh_cache_send(t, COH_MSG_GETS, t->n);
	t->fx->count[COH_N_PREFETCH] += t->n;
}

void coh_cache_act_upgrade(struct take *t)
{
	t->line->faulted = 1;
	coh_cache_send(t, COH_MSG_GETM, 1)->flags = COH_F_UPGRADE;
	t->fx->count[COH_N_UPGRADE]++;
}

void coh_cache_act_again(struct take *t)
{
	coh_fx_access(t->fx, t->page, 1, coh_access_of(t->line->state));
	coh_fx_wake(t->fx, t->page, 1);
}

void coh_cache_act_wait(struct take *t)
{
	t->line->faulted = 1;
}

void coh_cache_act_put_s(struct take *t)
{
	coh_fx_access(t->fx, t->page, 1, COH_NONE);
	coh_cache_send(t, COH_MSG_PUTS, 1);
	t->fx->count[COH_N_EVICT]++;
}

void coh_cache_act_put_m(struct take *t)
{
	coh_cache_send(t, COH_MSG_PUTM, 1);
	t->fx->count[COH_N_EVICT]++;
	if (MUTANT(DROP_BEFORE_PUT_ACK))
		coh_fx_add(t->fx, COH_FX_DROP_FRAME, t->page);
}

void coh_cache_act_drop(struct take *t)
{
	if (t->home != t->c->cfg.self) /* else it is the home's frame */
		coh_fx_add(t->fx, COH_FX_DROP_FRAME, t->page);
}

void coh_cache_act_gone(struct take *t)
{
	coh_request_release(t->c, t->line->request - 1);
	t->line->request = 0;
	coh_cache_act_drop(t);
	if (t->line->faulted)
		coh_fx_wake(t->fx, t->page, 1);
	t->line->faulted = 0;
}

void coh_cache_act_ack(struct take *t)
{
	coh_fx_send(t->c, t->fx, t->home, COH_MSG_INV_ACK, t->page)->n = t->n;
}

void coh_cache_lower(struct take *t, enum coh_access access)
{
#ifdef COH_MUTANTS
	if (MUTANT(KEEP_READ_ON_INV) && t->event == CE_INV)
		return;
	if (MUTANT(KEEP_WRITE_ON_FWD_GETS) && t->event == CE_FWD_GETS)
		return;
	if ((MUTANT(ACK_BEFORE_LOWER) && t->event == CE_INV) ||
	    (MUTANT(MOVE_BEFORE_LOWER) && t->event != CE_INV)) {
		coh_mutant_lower_late(t->c, t->fx, t->page, t->n, access);
		return;
	}
#endif
	coh_fx_access(t->fx, t->page, t->n, access);
}

void coh_cache_act_lose(struct take *t)
{
	coh_cache_lower(t, COH_NONE);
	coh_cache_act_ack(t);
	t->fx->count[COH_N_INV]++;
}

void coh_cache_act_defer(struct take *t)
{
	struct hold *h = hold_at(t->c, t->line->hold - 1);

	h->deferred = t->msg->type;
	h->flags = t->msg->flags;
	h->requestor = t->msg->requestor;
	h->slot = t->msg->slot;
	h->n = t->msg->n;
	h->landing = t->msg->landing;
	h->refresh = t->msg->refresh;
	t->fx->count[COH_N_DEFERRED]++;
}

static void move(struct take *t, coh_node to, const struct coh_landing *landing, struct coh_tag tag)
{
	struct coh_effect *e = coh_fx_add(t->fx, COH_FX_MOVE, t->page);

	e->n = t->n;
	e->node = to;
	e->landing = *landing;
	e->tag = coh_tag_encode(tag);
}

/* The owner's answer to a Fwd, its access lowered: the page leaves. */
static void supply(struct take *t, enum coh_access granted)
{
	const struct coh_msg *m = t->msg;
	struct coh_tag home_tag = {
	        .to_home = 1,
	        .home_index = (uint32_t)coh_home_index(&t->c->cfg, t->page),
	};

	if (m->flags & COH_F_RECALL) {
		coh_cache_act_ack(t); /* the frame is the home's */
		return;
	}
	if (m->flags & COH_F_PULL) {
		move(t, t->home, &m->landing, home_tag);
		t->fx->count[m->type == COH_MSG_FWD_GETS ? COH_N_REFRESH : COH_N_WRITE_BACK] += t->n;
		return;
	}
	move(t, m->requestor, &m->landing,
	     (struct coh_tag){.access = granted, .n = t->n, .slot = m->slot});
	t->fx->count[COH_N_SUPPLY] += t->n;
	if (m->flags & COH_F_REFRESH) {
		move(t, t->home, &m->refresh, home_tag);
		t->fx->count[COH_N_REFRESH] += t->n;
	}
}

/* How much of a run asked of an owner goes out at once: pages that it has and holds for
 * nobody. The first is the one that the row was taken for. */
static uint16_t run_owned(struct take *t)
{
	uint16_t k = 1;

	for (; k < t->msg->n; k++) {
		struct line *line = line_at(t->c, t->page + k);
		if (line->state != COH_C_M || line->hold)
			break;
	}
	return k;
}

void coh_cache_act_share(struct take *t)
{
	t->n = run_owned(t);
	for (unsigned i = 1; i < t->n; i++)
		line_at(t->c, t->page + i)->state = COH_C_S;
	coh_cache_lower(t, COH_READ);
	supply(t, COH_READ);
	t->fx->count[COH_N_DOWNGRADE] += t->n;
}

void coh_cache_act_part(struct take *t)
{
	coh_cache_lower(t, COH_NONE);
	supply(t, COH_READ);
	t->fx->count[COH_N_INV]++;
}

void coh_cache_act_yield(struct take *t)
{
	coh_cache_lower(t, COH_NONE);
	supply(t, COH_WRITE);
	t->fx->count[COH_N_INV]++;
}

void coh_cache_act_atomic(struct take *t)
{
	coh_answer_atomic(t->c, t->fx, t->msg->requestor, t->msg->slot, t->page, &t->msg->atomic);
}

void coh_cache_act_granted(struct take *t)
{
	t->line->request = 0;
	if (t->line->faulted)
		coh_cache_hold_start(t);
	t->line->faulted = 0;
}

void coh_cache_act_refused(struct take *t)
{
	t->line->request = 0;
	t->line->faulted = 0;
}

static const struct cache_row table[COH_CACHE_STATES][CACHE_EVENTS] = {
#define ROW(state, event, action, to, what, why)                                                   \
	[COH_C_##state][CE_##event] = {coh_cache_act_##action, COH_C_##to, ROW_C_##state##_##event},
#include "coherence/cache/cache.def"
#undef ROW
};

/* --- events of this node --- */

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

	if (t.line->state == COH_C_I || (t.line->state == COH_C_S && write)) {
		slot = coh_request_free(c, t.home);
		if (slot < 0)
			return -EAGAIN;
	}
	if (t.line->state == COH_C_S && write)
		coh_cache_hold_end(c, fx, t.page);
	t.request = slot;
	if (t.line->state == COH_C_I && !write && ev->n > 1)
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

int coh_cache_evict(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct take t = take_init(c, fx, ev->page);
	int slot = coh_request_free(c, t.home);

	if (!coh_cache_has_row(&t, CE_EVICT))
		return -EBUSY;
	if (t.line->state != COH_C_I && slot < 0)
		return -EAGAIN;
	coh_cache_hold_end(c, fx, t.page);
	t.request = slot;
	return coh_cache_take_row(&t, CE_EVICT);
}

int coh_cache_atomic(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct take t = take_init(c, fx, ev->page);
	struct coh_msg *m;
	int slot;

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
	                                        .page = ev->page,
	                                        .cookie = ev->cookie};
	++*out_at(c, t.home);
	m = coh_fx_send(c, fx, t.home, COH_MSG_ATOMIC, ev->page);
	m->slot = slot;
	m->atomic = ev->atomic;
	return 0;
}

/* --- answers --- */

/* The first n pages of the request are granted, the others are not. */
static void request_complete(struct coh *c, struct coh_effects *fx, unsigned slot,
                             enum coh_access access, uint16_t n)
{
	struct request r = *request_at(c, slot);
	int waiting = 0, rc = 0;

	for (unsigned i = 0; i < r.n; i++)
		waiting |= line_at(c, r.page + i)->faulted;
	coh_request_release(c, slot);
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
	if (!MUTANT(DONE_BEFORE_LANDING))
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
	request_complete(c, fx, tag.slot, tag.access, tag.n);
	return 0;
}

int coh_cache_grant(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	if (!request_may_complete(c, m->slot, m->access, m->n) ||
	    request_at(c, m->slot)->page != m->page || request_at(c, m->slot)->home != from)
		return -EPROTO;
	fx->count[COH_N_GRANT_EMPTY] += m->n;
	request_complete(c, fx, m->slot, m->access, m->n);
	return 0;
}

static int cache_atomic_resp(struct coh *c, const struct coh_msg *m, struct coh_effects *fx)
{
	struct request *r = coh_request_check(c, m->slot, COH_MSG_ATOMIC, m->page);

	if (!r || (r->home == c->cfg.self && coh_dir_has_own(c, m->page, m->slot)))
		return -EPROTO; /* nobody can have carried it out yet */
	coh_fx_complete(fx, r->cookie, 0, m->result);
	coh_request_release(c, m->slot);
	return 0;
}

static int held_event(const struct take *t, enum cache_event event)
{
	if (!t->line->hold)
		return event;
	switch (event) {
	case CE_INV: return CE_INV_HELD;
	case CE_FWD_GETS: return CE_FWD_GETS_HELD;
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
	case COH_MSG_GRANT: return coh_cache_grant(c, from, m, fx);
	case COH_MSG_PUT_ACK:
		return coh_cache_take_row(&t, CE_PUT_ACK);
	case COH_MSG_INV: break;
	case COH_MSG_FWD_GETS:
	case COH_MSG_FWD_GETM:
	case COH_MSG_FWD_ATOMIC:
		if (!fwd_is_valid(c, from, m))
			return -EPROTO;
		break;
	default: return -EPROTO;
	}
	event = held_event(&t, coh_cache_event_of(m->type));
	if (t.line->hold && hold_at(c, t.line->hold - 1)->deferred && event != CE_FWD_ATOMIC)
		return -EPROTO; /* the home waits for our answer to the first */
	return coh_cache_take_row(&t, event);
}
