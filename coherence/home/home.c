/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to the home and pages that land there, each as it arrives. */
#include <errno.h>

#include "coherence/home/home.h"
#include "coherence/secure.h"

static int is_read_run(const struct coh_msg *m)
{
	return m->type == COH_MSG_GETS && m->n > 1;
}

/* Whatever makes the page busy puts on two nodes what its owner has written, but for a discard, after which
 * the page may be as it was. */
static int push_is_over(struct coh *c, coh_node from, const struct dir *d)
{
	if (c->view.rebuilding)
		return 0;
	return d->state != COH_D_M || d->owner != from ||
	       (d->txn && txn_at(c, d->txn - 1)->type != COH_MSG_DISCARD);
}

static int home_request(struct coh *c, coh_node from, const struct coh_msg *m,
                        struct coh_effects *fx)
{
	struct take t;
	int slot;

	const int secure = c->cfg.secure_pages && is_secure(c, m->page);

	if (secure ? m->type == COH_MSG_ATOMIC || m->type == COH_MSG_PUTM : m->type == COH_MSG_PUSH)
		return -EPROTO;
	if (m->type == COH_MSG_PUSH && push_is_over(c, from, coh_dir_at(c, m->page)))
		return 0;
	if (*in_at(c, from) == coh_requests_of_node(&c->cfg))
		return -EPROTO; /* more outstanding than it may have: others' room */
	if (m->type == COH_MSG_FUTEX_WAIT &&
	    (m->futex.slot >= c->cfg.futex_slots || coh_home_sleeps(c, from, m->futex.slot)))
		return -EPROTO;
	if (m->type == COH_MSG_DISCARD && m->flags && !c->cfg.survive)
		return -EPROTO;
	slot = coh_home_free_txn(c);
	if (slot < 0)
		return -EPROTO;
	++*in_at(c, from);
	*txn_at(c, slot) = (struct txn){.type = m->type,
	                                .flags = m->flags | (is_read_run(m) ? COH_F_RUN : 0),
	                                .requestor = from,
	                                .slot = m->slot,
	                                .n = m->n,
	                                .serial = m->serial,
	                                .page = m->page};
	if (m->type == COH_MSG_ATOMIC)
		txn_at(c, slot)->atomic = m->atomic;
	else if (m->type == COH_MSG_FUTEX_WAIT || m->type == COH_MSG_FUTEX_WAKE)
		txn_at(c, slot)->futex = m->futex;
	else if (m->type != COH_MSG_DISCARD)
		txn_at(c, slot)->landing = m->landing;
	t = take_init(c, fx, slot);
	/* Nothing is granted before all have reported, nor before those who have waited since. */
	if (c->view.rebuilding || (c->view.starting && !t.dir->txn && t.dir->queue)) {
		coh_home_act_enqueue(&t);
		return 0;
	}
	if (t.dir->state == COH_D_HELD && !t.dir->txn && !coh_home_run_waits_here(&t))
		return coh_home_take_row(&t, COH_D_HELD, coh_home_asks_queue(&t) ? HE_WAKE : HE_REQUEST);
	if (coh_home_run_waits_here(&t))
		return coh_home_take_row(&t, t.dir->txn ? txn_at(c, t.dir->txn - 1)->phase
		                                        : t.dir->state,
		                         HE_RUN);
	if (t.dir->txn) {
		unsigned phase = txn_at(c, t.dir->txn - 1)->phase;
		int beside = coh_home_asks_queue(&t) &&
		             (phase != COH_D_COMPARE || MUTANT(WAKE_DURING_COMPARE));
		return coh_home_take_row(&t,
		                         MUTANT(WAKE_DURING_COMPARE) && beside ? COH_D_M : phase,
		                         beside ? HE_WAKE : HE_REQUEST);
	}
	coh_home_start(&t);
	return 0;
}

/* --- answers --- */

static int home_inv_ack(struct take *t)
{
	unsigned left;

	if (t->txn->phase == COH_D_RECALL) {
		if (t->from != t->c->cfg.self || t->n > t->txn->n)
			return -EPROTO;
		if (t->c->cfg.secure_pages && is_secure(t->c, t->txn->page))
			return coh_home_take_busy(t, HE_CLEANED);
		return coh_home_take_busy(t, t->txn->type == COH_MSG_GETS   ? HE_RECALLED_S
		                             : t->txn->type == COH_MSG_GETM ? HE_RECALLED_M
		                                                            : HE_RECALLED_PUT);
	}
	if (t->txn->phase != COH_D_INV || t->txn->type == COH_MSG_DISCARD ||
	    !coh_home_is_pending(t, t->from))
		return -EPROTO;
	left = coh_home_count_pending(t) - 1;
	if (MUTANT(GRANT_BEFORE_LAST_ACK) && left)
		left--;
	if (left)
		return coh_home_take_busy(t, HE_INV_ACK);
	return coh_home_take_busy(t, t->txn->type == COH_MSG_GETM ? HE_LAST_ACK_GETM
	                                                          : HE_LAST_ACK_ATOMIC);
}

static int home_drop_ack(struct take *t, const struct coh_msg *m)
{
	unsigned left;

	if (t->txn->phase != COH_D_INV || t->txn->type != COH_MSG_DISCARD ||
	    m->page != t->txn->page || !coh_home_drop_is_pending(t, t->from))
		return -EPROTO;
	t->kept = MUTANT(KEPT_FORGOTTEN) ? 0 : coh_home_kept_of(t, m->result);
	left = coh_home_drop_count_pending(t) - 1;
	if ((MUTANT(DISCARD_BEFORE_LAST_ACK) ||
	     (MUTANT(RENEWED_BEFORE_ALL_KNOW) && is_renewal(t))) && left)
		left--;
	return coh_home_take_busy(t, left ? HE_DROP_ACK : HE_LAST_ACK_DISCARD);
}

/* The owner has granted nothing of a run. */
static int home_done_none(struct take *t, const struct coh_msg *m)
{
	if (t->txn->phase != COH_D_DONE || t->txn->type != COH_MSG_GETS ||
	    !(t->txn->flags & COH_F_RUN) || t->dir->state != COH_D_M || t->from != t->dir->owner ||
	    !(t->txn->waits & TXN_WAIT_DONE) || m->page != t->txn->page)
		return -EPROTO;
	return coh_home_take_busy(t, HE_DONE_NONE);
}

static int home_done(struct take *t, const struct coh_msg *m)
{
	if (m->flags & COH_F_RUN)
		return home_done_none(t, m);
	if (t->txn->phase != COH_D_DONE || !(t->txn->waits & TXN_WAIT_DONE) ||
	    t->from != t->txn->requestor || m->page != t->txn->page || m->n > t->txn->n)
		return -EPROTO;
	/* An owner may have had less of a run than was asked for; the home knows what it has. */
	if (m->n < t->txn->n && t->dir->state != COH_D_M)
		return -EPROTO;
	if (t->txn->waits & TXN_WAIT_REFRESH)
		return coh_home_take_busy(t, HE_DONE_FIRST);
	return coh_home_take_busy(t, t->txn->type == COH_MSG_GETS     ? HE_DONE_S
	                             : t->txn->type == COH_MSG_ATOMIC ? HE_DONE_ATOMIC
	                                                              : HE_DONE_M);
}

/* --- secure pages --- */

static int home_answers_copy(struct take *t, const struct coh_msg *m)
{
	const int sent = t->txn->waits & TXN_WAIT_DONE;

	if (t->txn->phase != COH_D_COPY || m->page != t->txn->page ||
	    t->from != coh_second(t->c, m->page) || sent != (m->type == COH_MSG_COPIED))
		return -EPROTO;
	t->landing = &m->landing;
	return coh_home_take_busy(t, sent ? HE_COPIED : HE_COPY_HERE);
}

/* Done of the owner of a page that nobody else may see yet. */
static int home_released(struct coh *c, coh_node from, uint64_t page, struct coh_effects *fx)
{
	struct dir *d = coh_dir_at(c, page);
	struct take t = {.c = c, .fx = fx, .dir = d, .from = from};
	int rc;

	if (from != d->owner)
		return -EPROTO;
	rc = coh_home_take_row(&t, COH_D_HELD, HE_RELEASED);
	coh_home_start_next(c, fx, page);
	return rc;
}

int coh_home_compared(struct coh *c, coh_node from, uint64_t page, int equal,
                      struct coh_effects *fx)
{
	struct dir *d = coh_dir_at(c, page);
	struct take t;

	if (!d->txn || txn_at(c, d->txn - 1)->phase != COH_D_COMPARE ||
	    from != (d->state == COH_D_M ? d->owner : c->cfg.self))
		return -EPROTO;
	t = take_init(c, fx, d->txn - 1);
	return coh_home_take_busy(&t, equal || MUTANT(SLEEP_ANYWAY) ? HE_EQUAL : HE_DIFFERS);
}

static int home_cancel(struct coh *c, coh_node from, const struct coh_msg *m,
                       struct coh_effects *fx)
{
	if (m->futex.slot >= c->cfg.futex_slots)
		return -EPROTO;
	coh_home_cancel(c, from, m, fx);
	return 0;
}

int coh_home_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	struct take t;
	struct dir *d;

	if (coh_home(c, m->page) != c->cfg.self)
		return -EPROTO;
	if (m->type == COH_MSG_FUTEX_CANCEL)
		return home_cancel(c, from, m, fx);
	if (m->type == COH_MSG_COMPARED)
		return coh_home_compared(c, from, m->page, m->futex.value == 1, fx);
	if (m->type != COH_MSG_INV_ACK && m->type != COH_MSG_DONE && m->type != COH_MSG_DROP_ACK &&
	    m->type != COH_MSG_COPY_HERE && m->type != COH_MSG_COPIED)
		return home_request(c, from, m, fx);
	d = coh_dir_at(c, m->page);
	if (m->type == COH_MSG_DONE && d->state == COH_D_HELD && !d->txn)
		return home_released(c, from, m->page, fx);
	if (!d->txn)
		return -EPROTO;
	t = take_init(c, fx, d->txn - 1);
	t.from = from;
	t.n = m->n;
	if (m->type == COH_MSG_DROP_ACK)
		return home_drop_ack(&t, m);
	if (m->type == COH_MSG_COPY_HERE || m->type == COH_MSG_COPIED)
		return home_answers_copy(&t, m);
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
	if (t.txn->phase == COH_D_PULL && t.dir->state == COH_D_M && c->cfg.secure_pages &&
	    is_secure(c, t.txn->page))
		return coh_home_take_busy(&t, HE_CLEANED);
	if (t.txn->phase == COH_D_PULL && t.dir->state == COH_D_AWAY)
		return coh_home_take_busy(&t, HE_SALVAGED);
	if (t.txn->phase == COH_D_PULL)
		return coh_home_take_busy(&t, t.txn->type == COH_MSG_GETS ? HE_FETCHED : HE_PULLED);
	c->refreshing--;
	return coh_home_take_busy(&t, t.txn->waits & TXN_WAIT_DONE ? HE_REFRESH_FIRST
	                                                           : HE_REFRESH_S);
}
