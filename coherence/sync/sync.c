/* SPDX-License-Identifier: BSD-2-Clause */
/* Events and messages of locks, conditions and the barrier, each to its file. */
#include <errno.h>

#include "coherence/sync/sync.h"

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
