/* SPDX-License-Identifier: BSD-2-Clause */
/* Events and messages of locks, conditions and the barrier, each to its file. */
#include <errno.h>

#include "coherence/sync/sync.h"

/* The same of the objects' numbers, to whom is home to them. */
static struct coh_event numbered(const struct coh *c, const struct coh_event *ev)
{
	struct coh_event e = *ev;

	if (!c->cfg.survive)
		return e;
	e.sync.object += ev->home * c->cfg.locks;
	e.sync.mutex += ev->home * c->cfg.locks;
	e.home = coh_heir(c, ev->home);
	return e;
}

static int object_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
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
	default: return -EINVAL;
	}
}

int coh_sync_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct coh_event e;

	if (ev->kind == COH_EV_BARRIER)
		return coh_barrier_enter(c, ev, fx);
	if (ev->home >= c->cfg.nodes || ev->sync.object >= c->cfg.locks ||
	    ev->sync.mutex >= c->cfg.locks)
		return -EINVAL;
	e = numbered(c, ev);
	return object_event(c, &e, fx);
}

/* Whether this node is home to what a request is about. */
static int is_here(const struct coh *c, const struct coh_msg *m)
{
	if (!c->cfg.survive || m->type == COH_MSG_SYNC_RESP || m->type < COH_MSG_LOCK ||
	    m->type >= COH_MSG_BARRIER_ARRIVE)
		return 1;
	return coh_object_is_here(c, m->sync.object) && coh_object_is_here(c, m->sync.mutex);
}

int coh_sync_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	if (!is_here(c, m))
		return -EPROTO;
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
