/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditions: this node's side, then the home's, which is its mutex's. */
#include <assert.h>
#include <errno.h>

#include "coherence/sync/sync.h"

int coh_cond_wait(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	int rc;

	if (!coh_sync_holds(c, ev->home, ev->sync.mutex, ev->sync.thread))
		return -EPERM;
	rc = coh_sync_ask(c, ev, COH_MSG_COND_WAIT, ev->sync.mutex, fx);
	if (rc == 0)
		*held_at(c, ev->home, ev->sync.mutex) = 0;
	return rc;
}

/* Asked for again after a node's death, and made before: the answer was lost. */
static int made_before(struct coh *c, coh_node from, const struct coh_msg *m, uint32_t first,
                       uint32_t end)
{
	for (uint32_t i = first; i < end && m->serial; i++) {
		const struct object *o = object_at(c, i);
		if (o->kind == OBJ_COND && o->mutex == m->sync.mutex && o->holder == from &&
		    o->thread == m->serial)
			return (int)i;
	}
	return -1;
}

static int free_between(struct coh *c, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		if (object_at(c, i)->kind == OBJ_FREE)
			return (int)i;
	return -1;
}

int coh_cond_home_create(struct coh *c, coh_node from, const struct coh_msg *m,
                         struct coh_effects *fx)
{
	struct object *mutex = coh_object_mutex(c, m->sync.mutex);
	/* In the mutex's block: what moves to another home moves by blocks. */
	const uint32_t base = m->sync.mutex / c->cfg.locks * c->cfg.locks;
	const uint32_t first = base + (m->sync.mutex - base) / COH_LOCKS_BLOCK * COH_LOCKS_BLOCK;
	const uint32_t left = base + c->cfg.locks - first;
	const uint32_t end = first + (left < COH_LOCKS_BLOCK ? left : COH_LOCKS_BLOCK);
	int index;

	if (!mutex || coh_object_is_doomed(c, mutex)) {
		coh_object_respond(c, fx, from, m->slot, -EINVAL, 0);
		return 0;
	}
	index = made_before(c, from, m, first, end);
	if (index >= 0) {
		coh_object_respond(c, fx, from, m->slot, 0, (uint32_t)index);
		return 0;
	}
	/* Of a dead home's numbers nobody knows which are taken. */
	index = coh_object_is_inherited(c, m->sync.mutex) ? -1 : free_between(c, first, end);
	if (index < 0) {
		coh_object_respond(c, fx, from, m->slot, -ENOSPC, 0);
		return 0;
	}
	*object_at(c, (uint32_t)index) = (struct object){.kind = OBJ_COND, .mutex = m->sync.mutex};
	if (m->serial) {
		object_at(c, (uint32_t)index)->holder = from;
		object_at(c, (uint32_t)index)->thread = m->serial;
	}
	mutex->conds++;
	coh_object_respond(c, fx, from, m->slot, 0, (uint32_t)index);
	return 0;
}

int coh_cond_home_wait(struct coh *c, coh_node from, const struct coh_msg *m,
                       struct coh_effects *fx)
{
	struct object *mutex = coh_object_known(c, m->sync.mutex, OBJ_MUTEX), *cond;
	int rc;

	if (!mutex || !coh_object_is_held_by(mutex, from, m->sync.thread))
		return -EPROTO; /* its node has checked */
	if (!coh_object_has_room(c, from))
		return -EPROTO; /* nor may it have more threads that wait */
	cond = coh_object_cond(c, m->sync.object, m->sync.mutex);
	if (!cond) {
		coh_object_respond(c, fx, from, m->slot, -EINVAL, 0); /* the mutex stays held */
		return 0;
	}
	rc = coh_object_enqueue(c, cond, from, m->slot, m->sync.thread);
	if (rc == 0)
		coh_object_release(c, mutex, fx);
	return rc;
}

int coh_cond_home_signal(struct coh *c, const struct coh_msg *m, struct coh_effects *fx)
{
	struct object *cond = coh_object_known(c, m->sync.object, OBJ_COND), *mutex;

	if (!cond)
		return 0; /* nobody waits for what is not there */
	mutex = object_at(c, cond->mutex);
	while (cond->queue) {
		struct waiter w = coh_object_dequeue(c, cond);
		int rc = 0;
		if (!mutex->held && !coh_object_is_waiting(c, mutex))
			coh_object_grant(c, mutex, w.node, w.slot, w.thread, fx);
		else
			rc = coh_object_enqueue_woken(c, mutex, &w);
		assert(rc == 0); /* dequeue has made room */
		(void)rc;
		if (m->sync.value == 1)
			break;
	}
	return 0;
}
