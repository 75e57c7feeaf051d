/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes, conditions and the barrier. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "coherence/sharers.h"
#include "coherence/sync/sync.h"

/* --- this node's threads --- */

static int slot_free(struct coh *c)
{
	for (unsigned i = 0; i < c->cfg.sync_slots; i++)
		if (!sync_at(c, i)->type)
			return (int)i;
	return -EAGAIN;
}

int coh_sync_ask(struct coh *c, const struct coh_event *ev, enum coh_msg_type type,
                 uint32_t result, struct coh_effects *fx)
{
	int slot = slot_free(c);
	struct coh_msg *m;

	if (slot < 0)
		return slot;
	*sync_at(c, slot) = (struct sync_slot){.type = type,
	                                       .home = ev->home,
	                                       .object = result,
	                                       .thread = ev->sync.thread,
	                                       .cookie = ev->cookie};
	m = coh_fx_send(c, fx, ev->home, type, 0);
	m->slot = slot;
	m->flags = ev->flags & COH_F_TRY;
	m->sync = ev->sync;
	return 0;
}

int coh_sync_holds(struct coh *c, coh_node home, uint32_t object, uint32_t thread)
{
	return object < c->cfg.locks && *held_at(c, home, object) == thread + 1;
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

/* A holder that waited for its own unlock would do so for ever. */
int coh_sync_destroy(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (ev->sync.value == OBJ_MUTEX &&
	    coh_sync_holds(c, ev->home, ev->sync.object, ev->sync.thread))
		return -EBUSY;
	return coh_sync_ask(c, ev, COH_MSG_SYNC_DESTROY, ev->sync.object, fx);
}

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

int coh_barrier_enter(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (c->barrier_here)
		return -EBUSY;
	c->barrier_here = 1;
	c->barrier_cookie = ev->cookie;
	coh_fx_send(c, fx, 0, COH_MSG_BARRIER_ARRIVE, 0);
	return 0;
}

int coh_sync_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (ev->home >= c->cfg.nodes || ev->sync.object >= c->cfg.locks ||
	    ev->sync.mutex >= c->cfg.locks)
		return ev->kind == COH_EV_BARRIER ? coh_barrier_enter(c, ev, fx) : -EINVAL;
	switch (ev->kind) {
	case COH_EV_LOCK: return coh_mutex_lock(c, ev, fx);
	case COH_EV_UNLOCK: return coh_mutex_unlock(c, ev, fx);
	case COH_EV_COND_WAIT: return coh_cond_wait(c, ev, fx);
	case COH_EV_COND_SIGNAL:
		coh_fx_send(c, fx, ev->home, COH_MSG_COND_SIGNAL, 0)->sync = ev->sync;
		return 0;
	case COH_EV_MUTEX_CREATE: return coh_mutex_create(c, fx);
	case COH_EV_COND_CREATE:
		return coh_sync_ask(c, ev, COH_MSG_COND_CREATE, ev->sync.mutex, fx);
	case COH_EV_SYNC_DESTROY: return coh_sync_destroy(c, ev, fx);
	case COH_EV_BARRIER: return coh_barrier_enter(c, ev, fx);
	default: return -EINVAL;
	}
}

int coh_sync_resp(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	struct sync_slot *s, was;

	if (m->slot >= c->cfg.sync_slots)
		return -EPROTO;
	s = sync_at(c, m->slot);
	if (!s->type || s->home != from)
		return -EPROTO;
	was = *s;
	*s = (struct sync_slot){0};
	if (was.type == COH_MSG_COND_WAIT || (was.type == COH_MSG_LOCK && m->sync.value == 0))
		*held_at(c, from, was.object) = was.thread + 1;
	coh_fx_complete(fx, was.cookie, m->sync.value, m->sync.object);
	return 0;
}

int coh_barrier_release(struct coh *c, coh_node from, struct coh_effects *fx)
{
	if (from != 0 || !c->barrier_here)
		return -EPROTO;
	c->barrier_here = 0;
	coh_fx_complete(fx, c->barrier_cookie, 0, 0);
	c->barrier_cookie = 0;
	return 0;
}

/* --- the home --- */

void coh_object_respond(struct coh *c, struct coh_effects *fx, coh_node node, uint16_t slot,
                        int status, uint32_t object)
{
	struct coh_msg *m = coh_fx_send(c, fx, node, COH_MSG_SYNC_RESP, 0);

	m->slot = slot;
	m->sync.value = status;
	m->sync.object = object;
}

int coh_object_enqueue(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                       uint32_t thread)
{
	coh_ref *link = &o->queue;
	unsigned i = 0;

	if (*waiting_at(c, node) == c->cfg.sync_slots)
		return -EPROTO; /* more threads waiting than it may have: others' room */
	while (waiter_at(c, i)->taken)
		i++;
	++*waiting_at(c, node);
	while (*link)
		link = &waiter_at(c, *link - 1)->next;
	*link = i + 1;
	*waiter_at(c, i) =
	        (struct waiter){.taken = 1, .node = node, .slot = slot, .thread = thread};
	return 0;
}

struct waiter *coh_object_first(struct coh *c, const struct object *o)
{
	return o->queue ? waiter_at(c, o->queue - 1) : NULL;
}

int coh_object_is_doomed(struct coh *c, const struct object *o)
{
	const struct waiter *w = coh_object_first(c, o);

	return w && w->destroys;
}

struct waiter coh_object_dequeue(struct coh *c, struct object *o)
{
	struct waiter *w = waiter_at(c, o->queue - 1), was = *w;

	o->queue = w->next;
	--*waiting_at(c, was.node);
	*w = (struct waiter){0};
	return was;
}

void coh_object_grant(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                      uint32_t thread, struct coh_effects *fx)
{
	o->held = 1;
	o->holder = node;
	o->thread = thread;
	fx->count[COH_N_LOCK]++;
	coh_object_respond(c, fx, node, slot, 0, 0);
}

void coh_object_destroy(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                        struct coh_effects *fx)
{
	if (o->kind == OBJ_COND)
		object_at(c, o->mutex)->conds--;
	*o = (struct object){0};
	coh_object_respond(c, fx, node, slot, 0, 0);
}

void coh_object_release(struct coh *c, struct object *o, struct coh_effects *fx)
{
	o->held = 0;
	o->holder = 0;
	o->thread = 0;
	if (o->queue) {
		struct waiter w = coh_object_dequeue(c, o);
		if (w.destroys)
			coh_object_destroy(c, o, w.node, w.slot, fx);
		else
			coh_object_grant(c, o, w.node, w.slot, w.thread, fx);
	}
}

struct object *coh_object_of(struct coh *c, uint32_t index, int kind)
{
	struct object *o = index < c->cfg.locks ? object_at(c, index) : NULL;

	return o && o->kind == kind ? o : NULL;
}

int coh_object_is_held_by(const struct object *o, coh_node node, uint32_t thread)
{
	return o->held && o->holder == node && o->thread == thread;
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
			rc = coh_object_enqueue(c, mutex, w.node, w.slot, w.thread);
		assert(rc == 0); /* dequeue has made room */
		(void)rc;
		if (m->sync.value == 1)
			break;
	}
	return 0;
}

int coh_cond_home_create(struct coh *c, coh_node from, const struct coh_msg *m,
                         struct coh_effects *fx)
{
	struct object *mutex = coh_object_of(c, m->sync.mutex, OBJ_MUTEX);

	if (!mutex || coh_object_is_doomed(c, mutex)) {
		coh_object_respond(c, fx, from, m->slot, -EINVAL, 0);
		return 0;
	}
	for (unsigned i = 0; i < c->cfg.locks; i++) {
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

/*
 * The holder may have unlocked the mutex, and told so by a barrier or through memory, while
 * its message is still on the way here: messages are in order within a pair of nodes only.
 * So a mutex that is held, and wanted by nobody else, goes when it is unlocked.
 */
int coh_sync_home_destroy(struct coh *c, coh_node from, const struct coh_msg *m,
                          struct coh_effects *fx)
{
	uint32_t index = m->sync.object;
	struct object *o = index < c->cfg.locks ? object_at(c, index) : NULL;
	int rc;

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

int coh_barrier_home(struct coh *c, coh_node from, struct coh_effects *fx)
{
	uint64_t *arrived = arrived_at(c);

	if (c->cfg.self != 0 || coh_map_has(arrived, from))
		return -EPROTO;
	coh_map_add(arrived, from);
	if (coh_map_count(&c->cfg, arrived) < c->cfg.nodes)
		return 0;
	memset(arrived, 0, coh_map_words(&c->cfg) * sizeof *arrived);
	fx->count[COH_N_BARRIER]++;
	/* Remote nodes first: they have the longer way. */
	for (coh_node i = c->cfg.nodes; i-- > 0;)
		coh_fx_send(c, fx, i, COH_MSG_BARRIER_RELEASE, 0);
	return 0;
}

int coh_sync_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	switch (m->type) {
	case COH_MSG_LOCK: return coh_mutex_home_lock(c, from, m, fx);
	case COH_MSG_UNLOCK: return coh_mutex_home_unlock(c, from, m, fx);
	case COH_MSG_COND_WAIT: return coh_cond_home_wait(c, from, m, fx);
	case COH_MSG_COND_SIGNAL: return coh_cond_home_signal(c, m, fx);
	case COH_MSG_COND_CREATE: return coh_cond_home_create(c, from, m, fx);
	case COH_MSG_SYNC_DESTROY: return coh_sync_home_destroy(c, from, m, fx);
	case COH_MSG_BARRIER_ARRIVE: return coh_barrier_home(c, from, fx);
	case COH_MSG_SYNC_RESP: return coh_sync_resp(c, from, m, fx);
	case COH_MSG_BARRIER_RELEASE: return coh_barrier_release(c, from, fx);
	default: return -EPROTO;
	}
}
