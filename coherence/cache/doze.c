/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This node's threads that wait for a word of the region, which may not be here. The word's home
 * puts a thread to sleep, and it alone says how that ends: whoever has waited long enough asks it,
 * and may hear that he was woken before.
 */
#include <errno.h>

#include "coherence/cache/cache.h"

static int dozer_free(struct coh *c)
{
	for (unsigned i = 0; i < c->cfg.futex_slots; i++)
		if (dozer_at(c, i)->state == DOZE_FREE)
			return (int)i;
	return -1;
}

/* Asks the word's home, in a request of its own beside what the page's line is doing. */
static struct coh_msg *ask(struct coh *c, struct coh_effects *fx, const struct coh_event *ev,
                           enum coh_msg_type type, unsigned slot, uint64_t cookie)
{
	coh_node home = coh_home(c, ev->page);
	struct coh_msg *m;

	*request_at(c, slot) =
		(struct request){.type = type, .home = home, .page = ev->page, .cookie = cookie};
	++*out_at(c, home);
	m = coh_fx_send(c, fx, home, type, ev->page);
	m->slot = (uint16_t)slot;
	m->futex.offset = ev->futex.offset;
	m->futex.value = ev->futex.value;
	return m;
}

int coh_cache_futex_wait(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	int dozer = dozer_free(c), slot;

	if (dozer < 0)
		return -ENOSPC;
	slot = coh_request_free_atomic(c, coh_home(c, ev->page));
	if (slot < 0)
		return -EAGAIN;
	*dozer_at(c, dozer) =
		(struct dozer){.state = DOZE_ASKED, .page = ev->page, .cookie = ev->cookie};
	ask(c, fx, ev, COH_MSG_FUTEX_WAIT, slot, dozer)->futex.slot = (uint16_t)dozer;
	return 0;
}

int coh_cache_futex_wake(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	int slot = coh_request_free_atomic(c, coh_home(c, ev->page));

	if (slot < 0)
		return -EAGAIN;
	ask(c, fx, ev, COH_MSG_FUTEX_WAKE, slot, ev->cookie);
	return 0;
}

/* --- the end of a wait --- */

int coh_cache_futex_cancel(struct coh *c, uint64_t cookie, struct coh_effects *fx)
{
	for (unsigned i = 0; i < c->cfg.futex_slots; i++) {
		struct dozer *d = dozer_at(c, i);
		if (d->state == DOZE_FREE || d->cookie != cookie || d->cancelled)
			continue;
		d->cancelled = 1;
		/* Else when the home has answered: what it does not know it cannot end. */
		if (d->state == DOZE_ASLEEP)
			coh_dozer_cancel(c, fx, i);
		if (d->state == DOZE_ASLEEP && MUTANT(CANCEL_AT_ONCE))
			coh_dozer_end(c, fx, i, -ETIMEDOUT);
		break;
	}
	return 0;
}

int coh_cache_futex_resp(struct coh *c, const struct coh_msg *m, struct coh_effects *fx)
{
	if (!coh_request_check(c, m->slot, COH_MSG_FUTEX_WAIT, m->page) &&
	    !coh_request_check(c, m->slot, COH_MSG_FUTEX_WAKE, m->page))
		return -EPROTO;
	coh_dozer_answer(c, fx, m->slot, m->futex.value, m->futex.left);
	return 0;
}

int coh_cache_futex_woken(struct coh *c, const struct coh_msg *m, struct coh_effects *fx)
{
	const struct dozer *d;

	if (m->futex.slot >= c->cfg.futex_slots)
		return -EPROTO;
	d = dozer_at(c, m->futex.slot);
	if (d->state != DOZE_ASLEEP || d->page != m->page || (m->futex.value != 1 && !d->cancelled))
		return -EPROTO;
	coh_dozer_end(c, fx, m->futex.slot, m->futex.value == 1 ? 0 : -ETIMEDOUT);
	return 0;
}

void coh_cache_act_compare(struct take *t)
{
	coh_answer_compare(t->c, t->fx, t->page, &t->msg->futex);
}
