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

int coh_cond_home_create(struct coh *c, coh_node from, const struct coh_msg *m,
                         struct coh_effects *fx)
{
	struct object *mutex = coh_object_of(c, m->sync.mutex, OBJ_MUTEX);
	const uint32_t first = m->sync.mutex / COH_LOCKS_BLOCK * COH_LOCKS_BLOCK;

	if (!mutex || coh_object_is_doomed(c, mutex)) {
		coh_object_respond(c, fx, from, m->slot, -EINVAL, 0);
		return 0;
	}
	/* In the mutex's block: what moves to another home moves by blocks. */
	for (uint32_t i = first; i < c->cfg.locks && i < first + COH_LOCKS_BLOCK; i++) {
		if (object_at(c, i)->kind != OBJ_FREE)
			continue;
		*object_at(c, i) = (struct object){.kind = OBJ_COND, .mutex = m->sync.mutex};
		mutex->conds++;
		coh_object_respond(c, fx, from, m->slot, 0, i);
		return 0;
	}
	coh_object_respond(c, fx, from, m->slot, -ENOSPC, 0);
	return 0;
}

int coh_cond_home_wait(struct coh *c, coh_node from, const struct coh_msg *m,
                       struct coh_effects *fx)
{
	struct object *cond = coh_object_of(c, m->sync.object, OBJ_COND);
	struct object *mutex = coh_object_of(c, m->sync.mutex, OBJ_MUTEX);
	int rc;

	if (!mutex || !coh_object_is_held_by(mutex, from, m->sync.thread))
		return -EPROTO; /* its node has checked */
	if (!cond || cond->mutex != m->sync.mutex) {
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
	struct object *cond = coh_object_of(c, m->sync.object, OBJ_COND);
	struct object *mutex;

	if (!cond)
		return 0; /* nobody waits for what is not there */
	mutex = object_at(c, cond->mutex);
	while (cond->queue) {
		struct waiter w = coh_object_dequeue(c, cond);
		int rc = 0;
		if (!mutex->held)
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
