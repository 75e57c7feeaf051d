/* SPDX-License-Identifier: BSD-2-Clause */
/* What was written to memory of DSM_KEEP2 is put on two nodes before others hear of it (secures.h). */
#include <errno.h>

#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

int node_secure_begin(struct dsm *d)
{
	struct coh_event ev = {.kind = COH_EV_SECURE, .cookie = (uintptr_t)&d->secures};
	struct secures *s = &d->secures;
	int rc;

	if (s->under_way)
		return 0;
	s->under_way = 1;
	s->warned = 0;
	s->since_ns = clock_now_ns();
	rc = node_step(d, &ev);
	if (rc)
		s->under_way = 0;
	return rc;
}

void node_secure_ahead(struct dsm *d, uint64_t page)
{
	if (coh_is_secure(&d->engine.cfg, page) && coh_unsecured(d->engine.coh) >= SECURES_MOST)
		node_secure_begin(d); /* or later, when the next one is written */
}

static void leave(struct secures *s, struct secures_joiner *me)
{
	struct secures_joiner **link = &s->first;

	while (*link && *link != me)
		link = &(*link)->next;
	if (*link)
		*link = me->next;
}

/* Lock held. Whichever round is under way: that ends when nothing at all is left to be done. */
static int join(struct dsm *d, struct secures_joiner *me, struct waits_answer *answer)
{
	int rc;

	waits_add(&d->waits, &me->waiter, "what it wrote to DSM_KEEP2 memory to be on two nodes");
	*answer = waits_answer(&me->waiter);
	me->next = d->secures.first;
	d->secures.first = me;
	while ((rc = node_secure_begin(d)) == -EAGAIN && !d->members.lost) {
		node_hand_over(d);
		node_wait_room(d);
		if (waits_is_over(answer))
			return 0; /* another thread has begun it */
	}
	if (rc && !waits_is_over(answer)) {
		leave(&d->secures, me);
		waits_remove(&me->waiter);
	}
	return rc;
}

int node_secure(struct dsm *d)
{
	struct secures_joiner me;
	struct waits_answer answer;
	sigset_t mask;
	int rc;

	/* Acquire: see secures_note(). */
	if (!d->engine.cfg.secure_pages || !__atomic_load_n(&d->secures.unsecured, __ATOMIC_ACQUIRE))
		return 0;
	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	rc = d->members.lost ? DSM_ERR_LOST : join(d, &me, &answer);
	if (rc == 0)
		node_help(d, &answer);
	else
		node_hand_over(d);
	node_unlock(d, &mask);
	if (rc)
		return d->members.lost ? DSM_ERR_LOST : rc;
	waits_sleep(&answer, WAITS_FOR_EVER);
	return me.waiter.status;
}

int node_secure_before(struct dsm *d, unsigned event)
{
	switch (event) {
	case COH_EV_ATOMIC:
	case COH_EV_UNLOCK:
	case COH_EV_COND_WAIT:
	case COH_EV_COND_SIGNAL:
	case COH_EV_SYNC_DESTROY:
	case COH_EV_BARRIER:
	case COH_EV_DISCARD:
	case COH_EV_RENEW:
	case COH_EV_FUTEX_WAIT:
	case COH_EV_FUTEX_WAKE: return node_secure(d);
	default: return 0;
	}
}
