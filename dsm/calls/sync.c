/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_barrier, mutexes, conditions. */
#include <errno.h>

#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

_Static_assert(DSM_ERR_OWNER_DEAD == -EOWNERDEAD, "what the core says is handed on");

/* A handle: kind (8 bits), home (16), index at its home plus one (32). The home is that of the job
 * that made it. One that was restored on fewer nodes has several homes of that at each: at node
 * home % nodes, the block of numbers home / nodes. Where there is one block, it is as it says. */
enum { HANDLE_MUTEX = 1, HANDLE_COND = 2 };

static uint64_t handle_make(const struct dsm *d, unsigned kind, coh_node node, uint32_t object)
{
	const uint64_t home = object / NODE_LOCKS * d->engine.cfg.nodes + node;

	return (uint64_t)kind << 56 | home << 32 | (object % NODE_LOCKS + 1);
}

/* Fills in home and object. */
static int handle_read(const struct dsm *d, uint64_t id, unsigned kind, coh_node *home,
                       uint32_t *object)
{
	const uint32_t index = (uint32_t)id, nodes = d->engine.cfg.nodes;
	const uint32_t of = (uint32_t)(id >> 32 & 0xffff), block = of / nodes;

	if (id >> 56 != kind || (id >> 48 & 0xff) || block >= d->engine.cfg.locks / NODE_LOCKS ||
	    index == 0 || index > NODE_LOCKS)
		return DSM_ERR_INVAL;
	*home = (coh_node)(of % nodes);
	*object = block * NODE_LOCKS + index - 1;
	return 0;
}

static int lock_event(const struct dsm *d, dsm_mutex mutex, unsigned kind, struct coh_event *ev)
{
	*ev = (struct coh_event){.kind = kind};
	ev->sync.thread = clock_thread();
	return handle_read(d, mutex.id, HANDLE_MUTEX, &ev->home, &ev->sync.object);
}

int dsm_barrier(dsm_t *d)
{
	NODE_ENTRY(dsm_barrier, d);
	struct coh_event ev = {.kind = COH_EV_BARRIER};
	struct waiter w = {.what = "dsm_barrier", .kind = DSM_LATENCY_BARRIER};

	return node_call_wait(d, &ev, &w);
}

int dsm_mutex_create(dsm_t *d, dsm_mutex *out)
{
	NODE_ENTRY(dsm_mutex_create, d, out);
	struct coh_event ev = {.kind = COH_EV_MUTEX_CREATE};
	uint32_t object;
	int rc;

	if (!out)
		return DSM_ERR_INVAL;
	rc = node_call_object(d, &ev, &object);
	if (rc)
		return rc == -ENOSPC ? DSM_ERR_NOMEM : rc;
	out->id = handle_make(d, HANDLE_MUTEX, d->engine.cfg.self, object);
	return 0;
}

static int destroy(struct dsm *d, uint64_t id, int kind)
{
	struct coh_event ev = {.kind = COH_EV_SYNC_DESTROY};
	struct waiter w = {.what = kind == HANDLE_MUTEX ? "dsm_mutex_destroy" : "dsm_cond_destroy"};
	int rc = handle_read(d, id, kind, &ev.home, &ev.sync.object);

	ev.sync.value = kind;
	ev.sync.thread = clock_thread();
	if (rc == 0)
		rc = node_call_wait(d, &ev, &w);
	return rc == -ESTALE ? DSM_ERR_VIEW : rc; /* perhaps it is done */
}

int dsm_mutex_destroy(dsm_t *d, dsm_mutex mutex)
{
	NODE_ENTRY(dsm_mutex_destroy, d, mutex.id);
	return destroy(d, mutex.id, HANDLE_MUTEX);
}

int dsm_mutex_lock(dsm_t *d, dsm_mutex mutex)
{
	NODE_ENTRY(dsm_mutex_lock, d, mutex.id);
	struct waiter w = {.what = "dsm_mutex_lock", .kind = DSM_LATENCY_LOCK};
	struct coh_event ev;
	int rc = lock_event(d, mutex, COH_EV_LOCK, &ev);

	return rc ? rc : node_call_wait(d, &ev, &w);
}

int dsm_mutex_trylock(dsm_t *d, dsm_mutex mutex)
{
	NODE_ENTRY(dsm_mutex_trylock, d, mutex.id);
	struct waiter w = {.what = "dsm_mutex_trylock"};
	struct coh_event ev;
	int rc = lock_event(d, mutex, COH_EV_LOCK, &ev);

	ev.flags = COH_F_TRY;
	return rc ? rc : node_call_wait(d, &ev, &w);
}

int dsm_mutex_unlock(dsm_t *d, dsm_mutex mutex)
{
	NODE_ENTRY(dsm_mutex_unlock, d, mutex.id);
	struct coh_event ev;
	int rc = lock_event(d, mutex, COH_EV_UNLOCK, &ev);

	return rc ? rc : node_call(d, &ev);
}

int dsm_cond_create(dsm_t *d, dsm_mutex mutex, dsm_cond *out)
{
	NODE_ENTRY(dsm_cond_create, d, mutex.id, out);
	struct coh_event ev = {.kind = COH_EV_COND_CREATE};
	struct waiter w = {.what = "dsm_cond_create"};
	int rc;

	if (!out)
		return DSM_ERR_INVAL;
	rc = handle_read(d, mutex.id, HANDLE_MUTEX, &ev.home, &ev.sync.mutex);
	if (rc == 0)
		rc = node_call_wait(d, &ev, &w);
	if (rc)
		return rc == -ENOSPC ? DSM_ERR_NOMEM : rc;
	out->id = handle_make(d, HANDLE_COND, ev.home, (uint32_t)w.result[0]);
	return 0;
}

int dsm_cond_destroy(dsm_t *d, dsm_cond cond)
{
	NODE_ENTRY(dsm_cond_destroy, d, cond.id);
	return destroy(d, cond.id, HANDLE_COND);
}

int dsm_cond_wait(dsm_t *d, dsm_cond cond, dsm_mutex mutex)
{
	NODE_ENTRY(dsm_cond_wait, d, cond.id, mutex.id);
	struct coh_event ev = {.kind = COH_EV_COND_WAIT};
	struct waiter w = {.what = "dsm_cond_wait"};
	coh_node home;
	int rc = handle_read(d, cond.id, HANDLE_COND, &ev.home, &ev.sync.object);

	if (rc == 0)
		rc = handle_read(d, mutex.id, HANDLE_MUTEX, &home, &ev.sync.mutex);
	if (rc == 0 && home != ev.home)
		rc = DSM_ERR_INVAL; /* a condition lives where its mutex does */
	ev.sync.thread = clock_thread();
	return rc ? rc : node_call_wait(d, &ev, &w);
}

static int signal_cond(struct dsm *d, dsm_cond cond, int count)
{
	struct coh_event ev = {.kind = COH_EV_COND_SIGNAL};
	int rc = handle_read(d, cond.id, HANDLE_COND, &ev.home, &ev.sync.object);

	ev.sync.value = count;
	return rc ? rc : node_call(d, &ev);
}

int dsm_cond_signal(dsm_t *d, dsm_cond cond)
{
	NODE_ENTRY(dsm_cond_signal, d, cond.id);
	return signal_cond(d, cond, 1);
}

int dsm_cond_broadcast(dsm_t *d, dsm_cond cond)
{
	NODE_ENTRY(dsm_cond_broadcast, d, cond.id);
	return signal_cond(d, cond, 0);
}
