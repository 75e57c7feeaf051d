/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a mutex or condition. */
#include <errno.h>

#include "coherence/sync/sync.h"

/* A holder that waited for its own unlock would do so for ever. */
int coh_sync_destroy(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (ev->sync.value == OBJ_MUTEX &&
	    coh_sync_holds(c, ev->home, ev->sync.object, ev->sync.thread))
		return -EBUSY;
	return coh_sync_ask(c, ev, COH_MSG_SYNC_DESTROY, ev->sync.object, fx);
}

/*
 * The holder may have unlocked the mutex, and told so by a barrier or through memory, while
 * its message is still on the way here: messages are in order within a pair of nodes only.
 * So a mutex that is held, and wanted by nobody else, goes when it is unlocked.
 */
int coh_sync_home_destroy(struct coh *c, coh_node from, const struct coh_msg *m,
                          struct coh_effects *fx)
{
	uint32_t index = m->sync.object;
	struct object *o = index < coh_objects(&c->cfg) ? object_at(c, index) : NULL;
	int rc;

	if (o && o->kind == OBJ_FREE && coh_object_is_inherited(c, index)) {
		coh_object_respond(c, fx, from, m->slot, 0, 0); /* nobody has used it since */
		return 0;
	}
	if (o && o->kind == OBJ_MUTEX && o->kind == m->sync.value && coh_object_is_waiting(c, o))
		return coh_object_enqueue_later(c, o,
		                                (struct waiter){.destroys = 1,
		                                                .node = from,
		                                                .slot = m->slot,
		                                                .thread = m->sync.thread},
		                                0);
	if (!o || o->kind == OBJ_FREE || o->kind != m->sync.value || coh_object_is_doomed(c, o)) {
		coh_object_respond(c, fx, from, m->slot, -EINVAL, 0);
	} else if (o->queue || o->conds) {
		coh_object_respond(c, fx, from, m->slot, -EBUSY, 0);
	} else if (o->held) {
		rc = coh_object_enqueue(c, o, from, m->slot, m->sync.thread);
		if (rc)
			return rc;
		coh_object_first(c, o)->destroys = 1;
	} else {
		coh_object_destroy(c, o, from, m->slot, fx);
	}
	return 0;
}
