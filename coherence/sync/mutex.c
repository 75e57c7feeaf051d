/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes: this node's side, then the home's. */
#include <errno.h>

#include "coherence/sync/sync.h"

int coh_mutex_create(struct coh *c, struct coh_effects *fx)
{
	for (unsigned i = 0; i < c->cfg.locks; i++)
		if (object_at(c, i)->kind == OBJ_FREE) {
			*object_at(c, i) = (struct object){.kind = OBJ_MUTEX};
			fx->object = i;
			return 0;
		}
	return -ENOSPC;
}

int coh_mutex_lock(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (coh_sync_holds(c, ev->home, ev->sync.object, ev->sync.thread))
		return -EBUSY;
	return coh_sync_ask(c, ev, COH_MSG_LOCK, ev->sync.object, fx);
}

int coh_mutex_unlock(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (!coh_sync_holds(c, ev->home, ev->sync.object, ev->sync.thread))
		return -EPERM;
	*held_at(c, ev->home, ev->sync.object) = 0;
	coh_fx_send(c, fx, ev->home, COH_MSG_UNLOCK, 0)->sync = ev->sync;
	return 0;
}

int coh_mutex_home_lock(struct coh *c, coh_node from, const struct coh_msg *m,
                        struct coh_effects *fx)
{
	struct object *o = coh_object_of(c, m->sync.object, OBJ_MUTEX);

	if (!o || coh_object_is_doomed(c, o)) {
		coh_object_respond(c, fx, from, m->slot, -EINVAL, 0);
	} else if (!o->held) {
		coh_object_grant(c, o, from, m->slot, m->sync.thread, fx);
	} else if (m->flags & COH_F_TRY) {
		coh_object_respond(c, fx, from, m->slot, -EBUSY, 0);
	} else {
		return coh_object_enqueue(c, o, from, m->slot, m->sync.thread);
	}
	return 0;
}

int coh_mutex_home_unlock(struct coh *c, coh_node from, const struct coh_msg *m,
                          struct coh_effects *fx)
{
	struct object *o = coh_object_of(c, m->sync.object, OBJ_MUTEX);

	if (!o || !coh_object_is_held_by(o, from, m->sync.thread))
		return -EPROTO; /* its node has checked */
	coh_object_release(c, o, fx);
	return 0;
}
