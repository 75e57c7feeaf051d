/* SPDX-License-Identifier: BSD-2-Clause */
/* The home side: the directory, one transaction a page at a time, the others queue. */
#include <assert.h>
#include <errno.h>

#include "coherence/home/home.h"

struct home_row {
	void (*act)(struct take *t);
	uint8_t next;
	uint8_t id;
};
static const struct home_row table[COH_DIR_STATES][HOME_EVENTS];

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

/* --- who wrote last --- */

/* An owner's page is shared from now on. */
static void owner_to_sharer(struct take *t, struct dir *d)
{
	if (!MUTANT(OWNER_NOT_SHARER))
		coh_sharers_add(t->c, &d->sharers, d->owner, t->fx);
	d->state = COH_D_S;
	if (t->c->cfg.migratory)
		d->wrote = 1;
	else
		d->owner = 0;
}

void coh_home_release(struct take *t)
{
	uint64_t page = t->txn->page;
	unsigned n = MUTANT(RUN_DONE_ONE) ? 1 : t->txn->n;

	for (unsigned i = 0; i < n; i++)
		coh_dir_at(t->c, page + i)->txn = 0;
	txn_is_done(t);
	*t->txn = (struct txn){0};
}

static void put_ack(struct take *t)
{
	coh_fx_send(t->c, t->fx, t->txn->requestor, COH_MSG_PUT_ACK, t->txn->page);
	coh_home_release(t);
}

void coh_home_act_atomic_here(struct take *t)
{
	t->dir->state = COH_D_I;
	coh_sharers_clear(t->c, &t->dir->sharers);
	forget_writer(t->dir);
	if (!MUTANT(UNTOUCHED_AFTER_ATOMIC))
		t->dir->touched = 1;
	if (t->txn->requestor == t->c->cfg.self) {
		coh_answer_atomic(t->c, t->fx, t->txn->requestor, t->txn->slot, t->txn->page,
		                  &t->txn->atomic);
	} else {
		struct coh_effect *e = coh_fx_add(t->fx, COH_FX_ATOMIC, t->txn->page);
		e->node = t->txn->requestor;
		e->slot = t->txn->slot;
		e->atomic = t->txn->atomic;
		t->fx->count[COH_N_ATOMIC]++;
	}
	coh_home_release(t);
}

/* --- supplying from the home's frame --- */

static int grant_needs_no_data(const struct take *t, enum coh_access access)
{
	if (t->txn->requestor == t->c->cfg.self)
		return 1; /* the frame is its own */
	if (!t->dir->touched)
		return 1; /* zero everywhere */
	if (MUTANT(EMPTY_AFTER_INV) && (t->txn->flags & COH_F_UPGRADE))
		return 1;
	/* A copy that is in the map now was there when the upgrade was asked for: a node
	 * with a request outstanding enters the map by that request only. */
	return access == COH_WRITE && (t->txn->flags & COH_F_UPGRADE) &&
	       t->dir->state == COH_D_S && coh_sharers_exact(t->c, t->dir->sharers) &&
	       coh_sharers_has(t->c, t->dir->sharers, t->txn->requestor);
}

void coh_home_supply(struct take *t, enum coh_access access)
{
	struct txn *txn = t->txn;

	txn->waits = TXN_WAIT_DONE;
	if (grant_needs_no_data(t, access)) {
		struct coh_msg *m =
		        coh_fx_send(t->c, t->fx, txn->requestor, COH_MSG_GRANT, txn->page);
		m->slot = txn->slot;
		m->access = access;
		m->n = txn->n;
	} else {
		struct coh_effect *e = coh_fx_add(t->fx, COH_FX_MOVE, txn->page);
		e->n = txn->n;
		e->node = txn->requestor;
		e->landing = txn->landing;
		e->tag = coh_tag_encode(
		        (struct coh_tag){.access = access, .n = txn->n, .slot = txn->slot});
		t->fx->count[COH_N_SUPPLY] += txn->n;
	}
}

/* Whether a page can go in one run with the first: from this home's frame both, or from the
 * same owner. */
static int same_supplier(const struct dir *first, const struct dir *d)
{
	if (first->state != COH_D_M || d->state != COH_D_M)
		return first->state != COH_D_M && d->state != COH_D_M;
	return first->owner == d->owner;
}

uint16_t coh_home_claim_run(struct take *t)
{
	uint16_t k = 1;

	for (; k < t->txn->n; k++) {
		struct dir *d = coh_dir_at(t->c, t->txn->page + k);
		if ((d->txn || d->queue) && !MUTANT(RUN_OVER_BUSY))
			break;
		if (!same_supplier(t->dir, d) && !MUTANT(RUN_OVER_OWNED))
			break;
		if (d->touched != t->dir->touched)
			break;
		d->txn = t->index + 1;
	}
	return k;
}

void coh_home_trim_run(struct take *t, uint16_t n)
{
	for (unsigned i = n; i < t->txn->n; i++)
		coh_dir_at(t->c, t->txn->page + i)->txn = 0;
	t->txn->n = n;
}

void coh_home_act_supply_s(struct take *t)
{
	t->txn->n = coh_home_claim_run(t);
	coh_home_supply(t, COH_READ);
}

void coh_home_act_supply_m(struct take *t)
{
	coh_home_supply(t, COH_WRITE);
}

/* --- requests that find the page free --- */

/* Whether this sharer's copy has to go. A requestor that is to write keeps its own, but
 * for an upgrade that cannot be empty because nobody knows whether it has one: then
 * data will come, and must not land under its eyes. */
static int is_other(const struct take *t, coh_node node)
{
	return t->txn->type != COH_MSG_GETM || node != t->txn->requestor ||
	       (!coh_sharers_exact(t->c, t->dir->sharers) && (t->txn->flags & COH_F_UPGRADE) &&
	        node != t->c->cfg.self);
}

/* Who has not acked, or had not before anyone was asked to, in a job of narrow sets. */
static uint64_t others(const struct take *t)
{
	uint64_t map = t->dir->sharers;

	return t->txn->type == COH_MSG_GETM ? map & ~node_bit(t->txn->requestor) : map;
}

int coh_home_has_others(const struct take *t)
{
	coh_node i = coh_sharers_next(t->c, t->dir->sharers, 0);

	while (i != COH_NO_NODE && !is_other(t, i))
		i = coh_sharers_next(t->c, t->dir->sharers, i + 1u);
	return i != COH_NO_NODE;
}

void coh_home_act_invalidate(struct take *t)
{
	if (MUTANT(ATOMIC_WITHOUT_INV) && t->txn->type == COH_MSG_ATOMIC) {
		coh_home_act_atomic_here(t);
		return;
	}
	for (coh_node i = coh_sharers_next(t->c, t->dir->sharers, 0); i != COH_NO_NODE;
	     i = coh_sharers_next(t->c, t->dir->sharers, i + 1u)) {
		if (!is_other(t, i))
			continue;
		if (t->c->wide)
			coh_map_add(pending_at(t->c, t->index), i);
		coh_fx_send(t->c, t->fx, i, COH_MSG_INV, t->txn->page);
	}
}

struct coh_msg *coh_home_fwd(struct take *t, enum coh_msg_type type, uint8_t fill)
{
	struct txn *txn = t->txn;
	struct coh_msg *m = coh_fx_send_fill(t->c, t->fx, t->dir->owner, type, txn->page, fill);

	m->requestor = txn->requestor;
	m->slot = txn->slot;
	return m;
}

void coh_home_act_fwd_gets(struct take *t)
{
	int own = t->txn->requestor == t->c->cfg.self; /* then its landing is the home's frame */
	struct coh_msg *m =
	        coh_home_fwd(t, COH_MSG_FWD_GETS, own ? COH_FILL_LANDING : COH_FILL_REFRESH);

	m->n = t->txn->n = coh_home_claim_run(t);
	t->txn->waits = TXN_WAIT_DONE;
	if (own)
		return;
	m->landing = t->txn->landing;
	if (MUTANT(NO_REFRESH))
		return;
	m->flags = COH_F_REFRESH;
	if (!MUTANT(SERVE_BEFORE_REFRESH)) {
		t->txn->waits |= TXN_WAIT_REFRESH;
		t->c->refreshing++;
	}
}

/* The page comes here first, and from here to the requestor. */
void coh_home_act_fetch(struct take *t)
{
	coh_home_fwd(t, COH_MSG_FWD_GETS, COH_FILL_LANDING)->flags = COH_F_PULL;
	t->txn->waits = TXN_WAIT_REFRESH;
}

void coh_home_act_fwd_getm(struct take *t)
{
	int own = t->txn->requestor == t->c->cfg.self;
	struct coh_msg *m = coh_home_fwd(t, COH_MSG_FWD_GETM, own ? COH_FILL_LANDING : 0);

	t->txn->waits = TXN_WAIT_DONE;
	if (!own)
		m->landing = t->txn->landing;
}

void coh_home_act_recall(struct take *t)
{
	int read = t->txn->type == COH_MSG_GETS;
	struct coh_msg *m = coh_home_fwd(t, read ? COH_MSG_FWD_GETS : COH_MSG_FWD_GETM, 0);

	m->flags = COH_F_RECALL;
	if (read)
		m->n = t->txn->n = coh_home_claim_run(t);
}

/* A read of a migratory page is a write from here on. */
static void migrate(struct take *t)
{
	t->dir->migratory--;
	t->txn->type = COH_MSG_GETM;
	t->fx->count[COH_N_MIGRATORY]++;
}

void coh_home_act_migrate_here(struct take *t)
{
	migrate(t);
	coh_home_act_supply_m(t);
}

void coh_home_act_migrate(struct take *t)
{
	migrate(t);
	if (MUTANT(MIGRATORY_SHARED))
		coh_home_act_fwd_gets(t);
	else
		coh_home_act_fwd_getm(t);
}

void coh_home_act_migrate_own(struct take *t)
{
	migrate(t);
	coh_home_act_recall(t);
}

void coh_home_act_learn(struct take *t)
{
	t->dir->migratory = t->c->cfg.migratory;
	coh_home_act_invalidate(t);
}

void coh_home_act_fwd_atomic(struct take *t)
{
	/* Not by a message to ourselves: as many may wait as there are requests, and the
	 * queue of those messages is shorter. */
	if (t->dir->owner == t->c->cfg.self)
		coh_answer_atomic(t->c, t->fx, t->txn->requestor, t->txn->slot, t->txn->page,
		                  &t->txn->atomic);
	else
		coh_home_fwd(t, COH_MSG_FWD_ATOMIC, 0)->atomic = t->txn->atomic;
	coh_home_release(t);
}

void coh_home_act_put_stale(struct take *t)
{
	if (MUTANT(STALE_PUTM_TAKES) && t->txn->type == COH_MSG_PUTM)
		t->dir->state = COH_D_I;
	put_ack(t);
}

void coh_home_act_put_s(struct take *t)
{
	coh_sharers_remove(t->c, &t->dir->sharers, t->txn->requestor);
	forget_writer(t->dir);
	if (MUTANT(PUTS_CLEARS_ALL))
		coh_sharers_clear(t->c, &t->dir->sharers);
	if (!t->dir->sharers)
		t->dir->state = COH_D_I;
	put_ack(t);
}

void coh_home_act_pull(struct take *t)
{
	coh_home_fwd(t, COH_MSG_FWD_GETM, COH_FILL_LANDING)->flags = COH_F_PULL;
	t->txn->waits = TXN_WAIT_REFRESH;
	if (MUTANT(PUTM_PUSHES)) {
		t->dir->state = COH_D_I;
		put_ack(t);
	}
}

/* --- while busy --- */

void coh_home_act_enqueue(struct take *t)
{
	coh_ref *link = &t->dir->queue;

	while (*link)
		link = &txn_at(t->c, *link - 1)->next;
	*link = t->index + 1;
	t->txn->phase = 0;
	t->fx->count[COH_N_QUEUED]++;
}

void coh_home_act_acked(struct take *t)
{
	ack(t);
}

void coh_home_act_acked_m(struct take *t)
{
	ack(t);
	coh_home_supply(t, COH_WRITE);
	if (t->c->wide) /* the others have left it */
		coh_sharers_clear(t->c, &t->dir->sharers);
}

void coh_home_act_acked_atomic(struct take *t)
{
	ack(t);
	coh_home_act_atomic_here(t);
}

void coh_home_act_recalled_s(struct take *t)
{
	coh_home_trim_run(t, t->n);
	for (unsigned i = 0; i < t->txn->n; i++)
		owner_to_sharer(t, coh_dir_at(t->c, t->txn->page + i));
	coh_home_supply(t, COH_READ);
}

void coh_home_act_recalled_m(struct take *t)
{
	t->dir->state = COH_D_I;
	coh_home_supply(t, COH_WRITE);
}

void coh_home_act_recalled_put(struct take *t)
{
	t->dir->state = COH_D_I;
	put_ack(t);
}

void coh_home_act_done_first(struct take *t)
{
	coh_home_trim_run(t, t->n);
	t->txn->waits &= ~TXN_WAIT_DONE;
	txn_is_done(t);
}

void coh_home_act_refresh_first(struct take *t)
{
	t->txn->waits &= ~TXN_WAIT_REFRESH;
}

void coh_home_act_finish_s(struct take *t)
{
	if (t->n) /* by Done, not by the refresh */
		coh_home_trim_run(t, t->n);
	for (unsigned i = 0; i < t->txn->n; i++) {
		struct dir *d = coh_dir_at(t->c, t->txn->page + i);
		if (d->state == COH_D_M)
			owner_to_sharer(t, d);
		d->state = COH_D_S;
		d->migratory = 0; /* until an upgrade follows */
		if (!MUTANT(SHARER_FORGOTTEN))
			coh_sharers_add(t->c, &d->sharers, t->txn->requestor, t->fx);
		if (!d->wrote || !coh_sharers_exact(t->c, d->sharers) ||
		    coh_sharers_count(t->c, d->sharers) > 2)
			forget_writer(d);
	}
	coh_home_release(t);
}

void coh_home_act_finish_m(struct take *t)
{
	if (!(MUTANT(FWD_TO_REQUESTOR) && t->dir->state == COH_D_M))
		t->dir->owner = t->txn->requestor;
	t->dir->state = COH_D_M;
	t->dir->wrote = 0;
	coh_sharers_clear(t->c, &t->dir->sharers);
	if (!MUTANT(UNTOUCHED_AFTER_M))
		t->dir->touched = 1;
	coh_home_release(t);
}

void coh_home_act_pulled(struct take *t)
{
	t->dir->state = COH_D_I;
	t->dir->owner = 0;
	put_ack(t);
}

void coh_home_act_fetched(struct take *t)
{
	owner_to_sharer(t, t->dir);
	coh_home_act_supply_s(t);
}

static const struct home_row table[COH_DIR_STATES][HOME_EVENTS] = {
#define ROW(state, event, action, to, what, why)                                                   \
	[COH_D_##state][HE_##event] = {coh_home_act_##action, COH_D_##to, ROW_D_##state##_##event},
#include "coherence/home/home.def"
#undef ROW
};

/* --- starting --- */

int coh_home_is_second(const struct take *t)
{
	const struct dir *d = t->dir;

	return d->wrote && d->owner != t->txn->requestor && (t->txn->flags & COH_F_UPGRADE) &&
	       coh_sharers_has(t->c, d->sharers, d->owner) &&
	       coh_sharers_has(t->c, d->sharers, t->txn->requestor);
}

static enum home_event request_event(const struct take *t)
{
	const struct dir *d = t->dir;
	int own = d->state == COH_D_M && d->owner == t->c->cfg.self && !MUTANT(RECALL_SKIPPED);
	int owner = d->state == COH_D_M && d->owner == t->txn->requestor;

	switch (t->txn->type) {
	case COH_MSG_GETS:
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
	case COH_MSG_PUTS: return HE_PUTS;
	case COH_MSG_PUTM: return !owner ? HE_PUTM_STALE : own ? HE_PUTM_OWN : HE_PUTM;
	default: return HE_ATOMIC;
	}
}

void coh_home_start(struct take *t)
{
	enum home_event event = request_event(t);
	int rc;

	t->dir->txn = t->index + 1;
	t->txn->phase = COH_D_DONE;
	if (t->txn->type != COH_MSG_GETS)
		t->txn->n = 1;
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
static void dir_start_next(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	struct dir *d = coh_dir_at(c, page);

	while (!d->txn && d->queue) {
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
			dir_start_next(t->c, t->fx, page + i);
	return rc;
}

static int txn_free_slot(struct coh *c)
{
	for (unsigned i = 0; i < c->n_txns; i++)
		if (!txn_at(c, i)->type)
			return (int)i;
	return -1;
}

static int home_request(struct coh *c, coh_node from, const struct coh_msg *m,
                        struct coh_effects *fx)
{
	struct take t;
	int slot;

	if (*in_at(c, from) == c->cfg.per_home)
		return -EPROTO; /* more outstanding than it may have: others' room */
	slot = txn_free_slot(c);
	if (slot < 0)
		return -EPROTO;
	++*in_at(c, from);
	*txn_at(c, slot) = (struct txn){.type = m->type,
	                                .flags = m->flags,
	                                .requestor = from,
	                                .slot = m->slot,
	                                .n = m->n,
	                                .page = m->page};
	if (m->type == COH_MSG_ATOMIC)
		txn_at(c, slot)->atomic = m->atomic;
	else
		txn_at(c, slot)->landing = m->landing;
	t = take_init(c, fx, slot);
	if (t.dir->txn)
		return coh_home_take_row(&t, txn_at(c, t.dir->txn - 1)->phase, HE_REQUEST);
	coh_home_start(&t);
	return 0;
}

/* --- answers --- */

int coh_home_is_pending(const struct take *t, coh_node node)
{
	if (t->c->wide)
		return coh_map_has(pending_at(t->c, t->index), node);
	return others(t) >> node & 1;
}

unsigned coh_home_count_pending(const struct take *t)
{
	if (t->c->wide)
		return coh_map_count(&t->c->cfg, pending_at(t->c, t->index));
	return __builtin_popcountll(others(t));
}

static int home_inv_ack(struct take *t)
{
	unsigned left;

	if (t->txn->phase == COH_D_RECALL) {
		if (t->from != t->c->cfg.self || t->n > t->txn->n)
			return -EPROTO;
		return coh_home_take_busy(t, t->txn->type == COH_MSG_GETS   ? HE_RECALLED_S
		                             : t->txn->type == COH_MSG_GETM ? HE_RECALLED_M
		                                                            : HE_RECALLED_PUT);
	}
	if (t->txn->phase != COH_D_INV || !coh_home_is_pending(t, t->from))
		return -EPROTO;
	left = coh_home_count_pending(t) - 1;
	if (MUTANT(GRANT_BEFORE_LAST_ACK) && left)
		left--;
	if (left)
		return coh_home_take_busy(t, HE_INV_ACK);
	return coh_home_take_busy(t, t->txn->type == COH_MSG_GETM ? HE_LAST_ACK_GETM
	                                                          : HE_LAST_ACK_ATOMIC);
}

static int home_done(struct take *t, const struct coh_msg *m)
{
	if (t->txn->phase != COH_D_DONE || !(t->txn->waits & TXN_WAIT_DONE) ||
	    t->from != t->txn->requestor || m->page != t->txn->page || m->n > t->txn->n)
		return -EPROTO;
	/* An owner may have had less of a run than was asked for; the home knows what it has. */
	if (m->n < t->txn->n && t->dir->state != COH_D_M)
		return -EPROTO;
	if (t->txn->waits & TXN_WAIT_REFRESH)
		return coh_home_take_busy(t, HE_DONE_FIRST);
	return coh_home_take_busy(t, t->txn->type == COH_MSG_GETS ? HE_DONE_S : HE_DONE_M);
}

int coh_home_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	struct take t;
	struct dir *d;

	if (coh_home_of(&c->cfg, m->page) != c->cfg.self)
		return -EPROTO;
	if (m->type != COH_MSG_INV_ACK && m->type != COH_MSG_DONE)
		return home_request(c, from, m, fx);
	d = coh_dir_at(c, m->page);
	if (!d->txn)
		return -EPROTO;
	t = take_init(c, fx, d->txn - 1);
	t.from = from;
	t.n = m->n;
	return m->type == COH_MSG_DONE ? home_done(&t, m) : home_inv_ack(&t);
}

int coh_home_landed(struct coh *c, struct coh_tag tag, struct coh_effects *fx)
{
	coh_ref txn = tag.home_index < c->n_dirs ? dir_by_index(c, tag.home_index)->txn : 0;
	struct take t;

	if (!txn)
		return -EPROTO;
	t = take_init(c, fx, txn - 1);
	if (!(t.txn->waits & TXN_WAIT_REFRESH))
		return -EPROTO;
	if (t.txn->phase == COH_D_PULL)
		return coh_home_take_busy(&t, t.txn->type == COH_MSG_GETS ? HE_FETCHED : HE_PULLED);
	c->refreshing--;
	return coh_home_take_busy(&t, t.txn->waits & TXN_WAIT_DONE ? HE_REFRESH_FIRST
	                                                           : HE_REFRESH_S);
}
