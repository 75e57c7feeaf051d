/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes: this node's side, then the home's. */
#include <errno.h>

#include "coherence/sync/sync.h"

int coh_mutex_create(struct coh *c, struct coh_effects *fx)
{
	const uint32_t first = c->cfg.survive ? c->cfg.self * c->cfg.locks : 0;

	for (unsigned i = 0; i < c->cfg.locks; i++)
		if (object_at(c, first + i)->kind == OBJ_FREE) {
			*object_at(c, first + i) = (struct object){.kind = OBJ_MUTEX};
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

static struct waiter *old_waiter(struct coh *c, const struct object *o, coh_node node,
                                 uint32_t thread)
{
	for (uint32_t q = o->queue; q; q = waiter_at(c, q - 1)->next) {
		struct waiter *w = waiter_at(c, q - 1);
		if (w->old && w->node == node && w->thread == thread)
			return w;
	}
	return NULL;
}

/* Before all have reported: whoever has waited keeps his place, and goes first if he was granted the
 * mutex and may not have heard of it. */
static int lock_later(struct coh *c, struct object *o, coh_node from, const struct coh_msg *m)
{
	struct waiter *was = old_waiter(c, o, from, m->sync.thread);
	struct waiter w = {.tries = !!(m->flags & COH_F_TRY),
	                   .node = from,
	                   .slot = m->slot,
	                   .thread = m->sync.thread};

	if (was) {
		was->old = 0;
		was->slot = m->slot;
		return 0;
	}
	return coh_object_enqueue_later(c, o, w,
	                                o->held == HELD_PERHAPS && o->holder == from &&
	                                        o->thread == m->sync.thread);
}

int coh_mutex_home_lock(struct coh *c, coh_node from, const struct coh_msg *m,
                        struct coh_effects *fx)
{
	struct object *o;

	if (!coh_object_known(c, m->sync.object, OBJ_MUTEX) && !coh_object_has_room(c, from))
		return -EPROTO;
	o = coh_object_mutex(c, m->sync.object);
	if (o && coh_object_is_waiting(c, o))
		return lock_later(c, o, from, m);
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
	struct object *o = coh_object_known(c, m->sync.object, OBJ_MUTEX);

	if (!o || !coh_object_is_held_by(o, from, m->sync.thread))
		return -EPROTO; /* its node has checked */
	coh_object_release(c, o, fx);
	return 0;
}
