/* SPDX-License-Identifier: BSD-2-Clause */
/* The step: each event to the part of the core that it is for. */
#ifdef HAVE_CONFIG_H
#include "config.h" /* DSM_DEBUG */
#endif

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "coherence/secure.h"

static int step_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	if (from >= c->cfg.nodes || m->page >= coh_pages(&c->cfg))
		return -EPROTO;
	switch (m->type) {
	case COH_MSG_GETS:
	case COH_MSG_GETM:
	case COH_MSG_PUTS:
	case COH_MSG_PUTM:
	case COH_MSG_ATOMIC:
	case COH_MSG_INV_ACK:
	case COH_MSG_DONE:
	case COH_MSG_DISCARD:
	case COH_MSG_DROP_ACK:
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE:
	case COH_MSG_FUTEX_CANCEL:
	case COH_MSG_PUSH:
	case COH_MSG_COPY_HERE:
	case COH_MSG_COPIED:
	case COH_MSG_COMPARED: return coh_home_msg(c, from, m, fx);
	case COH_MSG_FWD_GETS:
	case COH_MSG_FWD_GETM:
	case COH_MSG_FWD_ATOMIC:
	case COH_MSG_INV:
	case COH_MSG_PUT_ACK:
	case COH_MSG_GRANT:
	case COH_MSG_ATOMIC_RESP:
	case COH_MSG_DROP:
	case COH_MSG_DISCARDED:
	case COH_MSG_FWD_COMPARE:
	case COH_MSG_FUTEX_RESP:
	case COH_MSG_SECURED:
	case COH_MSG_FUTEX_WOKEN: return coh_cache_msg(c, from, m, fx);
	case COH_MSG_LOG:
	case COH_MSG_LOG_HERE:
	case COH_MSG_LOGGED:
	case COH_MSG_SEAL:
	case COH_MSG_SEALED: return coh_cache_log(c, from, m, fx);
	case COH_MSG_COPY: return coh_cache_copy(c, from, m, fx);
	case COH_MSG_RESTORED: return coh_cache_restored(c, from, m);
	case COH_MSG_REPORT: return coh_view_take_report(c, from, m, fx);
	default: return coh_sync_msg(c, from, m, fx);
	}
}

static int step_landed(struct coh *c, uint32_t bits, struct coh_effects *fx)
{
	struct coh_tag tag = coh_tag_decode(bits);

	if (!tag.to_home)
		return coh_cache_landed(c, tag, fx);
	/* What a stand-in is to have bears a number behind those of all pages; a second copy the page's. */
	if (c->cfg.secure_pages && tag.home_index >= coh_pages(&c->cfg))
		return coh_cache_log_landed(c, tag.home_index - coh_pages(&c->cfg) + c->cfg.secure_first, fx);
	if (c->cfg.secure_pages && is_secure(c, tag.home_index) &&
	    coh_home(c, tag.home_index) != c->cfg.self)
		return coh_cache_copy_landed(c, tag.home_index, fx);
	return coh_home_landed(c, tag, fx);
}

/* Some more of what is too long for one step. */
static int recover(struct coh *c, struct coh_effects *fx)
{
	if (c->view.reporting)
		coh_view_report(c, fx);
	else if (c->view.starting)
		coh_view_start(c, fx);
	return 0;
}

/* Where nodes may die: the pages that it is about may have something to them from now on. */
static void use(struct coh *c, const struct coh_event *ev)
{
	const uint64_t page = ev->kind == COH_EV_MSG ? ev->msg.page : ev->page;
	const uint16_t n = ev->kind == COH_EV_MSG ? ev->msg.n : ev->n;

	if (page >= coh_pages(&c->cfg) || ev->kind == COH_EV_TIMER || ev->kind == COH_EV_LANDED)
		return;
	coh_view_use(c, page);
	/* A run may begin among pages that go by one bit, and end among others. */
	if (n > 1 && page + n <= coh_pages(&c->cfg))
		coh_view_use(c, page + n - 1);
}

static int step_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	switch (ev->kind) {
	case COH_EV_READ:
	case COH_EV_WRITE:
	case COH_EV_PREFETCH:
	case COH_EV_EVICT:
	case COH_EV_ATOMIC:
	case COH_EV_DISCARD:
	case COH_EV_RENEW:
	case COH_EV_FUTEX_WAIT:
	case COH_EV_FUTEX_WAKE:
	case COH_EV_COMPARED:
		if (ev->page >= coh_pages(&c->cfg))
			return -EINVAL;
		break;
	default: break;
	}
	switch (ev->kind) {
	case COH_EV_READ:
	case COH_EV_WRITE: return coh_cache_fault(c, ev, fx);
	case COH_EV_PREFETCH: return ev->n ? coh_cache_prefetch(c, ev, fx) : -EINVAL;
	case COH_EV_EVICT: return coh_cache_evict(c, ev, fx);
	case COH_EV_ATOMIC: return coh_cache_atomic(c, ev, fx);
	case COH_EV_RENEW:
		if (!c->cfg.survive)
			return -EINVAL;
		return ev->n ? coh_cache_discard(c, ev, fx) : -EINVAL;
	case COH_EV_DISCARD: return ev->n ? coh_cache_discard(c, ev, fx) : -EINVAL;
	case COH_EV_FUTEX_WAIT:
		return (ev->futex.offset & 2) ? -EINVAL : coh_cache_futex_wait(c, ev, fx);
	case COH_EV_FUTEX_WAKE:
		return (ev->futex.offset & 2) ? -EINVAL : coh_cache_futex_wake(c, ev, fx);
	case COH_EV_FUTEX_CANCEL: return coh_cache_futex_cancel(c, ev->cookie, fx);
	case COH_EV_COMPARED:
		if (c->cfg.survive && ev->view != c->view.number && !MUTANT(OLD_OUTCOME))
			return 0; /* of an older view, in which the wait has ended */
		if (coh_home(c, ev->page) != c->cfg.self)
			return -EINVAL;
		return coh_home_compared(c, c->cfg.self, ev->page, ev->futex.value == 1, fx);
	case COH_EV_MSG:
		/* A message of the node to itself never comes from outside. */
		return ev->from == c->cfg.self ? -EPROTO : step_msg(c, ev->from, &ev->msg, fx);
	case COH_EV_LANDED: return step_landed(c, ev->tag, fx);
	case COH_EV_TIMER: return coh_cache_timer(c, ev->slot, fx);
	case COH_EV_VIEW: return coh_view_event(c, ev, fx);
	case COH_EV_FENCED: return coh_view_enter(c, fx);
	case COH_EV_RECOVER: return recover(c, fx);
	case COH_EV_SECURE: return coh_cache_secure(c, ev, fx);
	default: return coh_sync_event(c, ev, fx);
	}
}

/* In debug builds, unless looking at it all would take much longer than the step. */
static void check_after_step(const struct coh *coh)
{
#ifdef DSM_DEBUG
	const char *wrong = NULL;

	if (!coh_has_mutants() && coh->n_txns <= 1024)
		wrong = coh_invariant(coh);
	assert(wrong == NULL);
	(void)wrong;
#endif
	(void)coh;
}

/* This node's messages to itself. */
static void take_own(struct coh *coh, struct coh_effects *effects)
{
	while (effects->self_len) {
		struct coh_msg m = effects->self_queue[effects->self_head];
		int own;
		effects->self_head = (effects->self_head + 1) % COH_SELF_MAX;
		effects->self_len--;
		own = step_msg(coh, coh->cfg.self, &m, effects);
		assert(own == 0 || coh_has_mutants());
		(void)own;
	}
}

int coh_step(struct coh *coh, const struct coh_event *event, struct coh_effects *effects)
{
	int rc;

	effects->len = 0;
	effects->self_head = effects->self_len = 0;
	effects->consumed = 0;
	memset(effects->count, 0, sizeof effects->count);
	memset(effects->row_taken, 0, sizeof effects->row_taken);
#ifdef COH_MUTANTS
	if (!MUTANT(ACK_BEFORE_LOWER)) /* that one: at the next Inv only */
		coh_mutant_lower_now(coh, effects);
#endif
	rc = coh->cfg.survive ? coh_view_admits(coh, event) : 1;
	if (rc > 0 && coh->cfg.survive)
		use(coh, event);
	if (rc > 0)
		rc = step_event(coh, event, effects);
	do
		take_own(coh, effects);
	while (rc == 0 && (coh_cache_push_more(coh, effects) || coh_home_restore_more(coh, effects)));
	check_after_step(coh);
	return rc;
}
