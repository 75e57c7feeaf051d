/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that use a mutex, a condition and the barrier, in any order that programs may:
 * who holds the mutex unlocks it, waits, or signals; who does not may signal as well.
 * The barrier is entered by thread 0 of each node.
 */
#include <errno.h>

#include "tests/explore/explore.h"

static void set_thread(struct world *w, unsigned node, unsigned thread, unsigned state)
{
	uint8_t *t = &w->node[node].thread;

	*t = (uint8_t)((*t & ~(7u << (3 * thread))) | state << (3 * thread));
}

/* Mutex 0 and condition 1 at node 0, made before anything else. */
void x_sync_init(struct explorer *x, struct world *w)
{
	uint64_t mutex = x_put(0, E_KIND, COH_EV_MUTEX_CREATE);
	uint64_t cond = x_put(0, E_KIND, COH_EV_COND_CREATE);

	w->node[0].local = x_local_step(&x->l, w->node[0].local, mutex).local;
	w->node[0].local = x_local_step(&x->l, w->node[0].local, cond).local;
}

/* Nobody answers signals, so something else must keep their number finite: a node's next
 * comes when its last has arrived. */
static int is_signalling(const struct world *w, unsigned node)
{
	for (unsigned i = 0; i < w->n_msgs; i++)
		if (x_get(w->msg[i], M_TYPE) == COH_MSG_COND_SIGNAL &&
		    x_get(w->msg[i], M_FROM) == node)
			return 1;
	return 0;
}

void x_sync_actions(const struct explorer *x, const struct world *w, unsigned node,
                    struct x_action *list, unsigned *n)
{
	struct x_action a = { .kind = X_LOCAL, .node = (uint8_t)node };

	/* page: the thread; n: try, or all */
	for (a.page = 0; a.page < x->o.sync; a.page++) {
		unsigned state = x_thread(w, node, a.page);
		if (state == X_THREAD_IDLE) {
			a.ev = COH_EV_LOCK;
			for (a.n = 0; a.n < (x->o.only >= 4 ? 1 : 2) && x->o.only != 3; a.n++)
				x_add_action(list, n, a);
			a.n = 0;
			a.ev = COH_EV_BARRIER;
			if (a.page == 0 && (x->o.only == 0 || x->o.only == 3 || x->o.only == 5))
				x_add_action(list, n, a);
		}
		if (state == X_THREAD_HOLDS) {
			a.ev = COH_EV_UNLOCK;
			x_add_action(list, n, a);
			a.ev = COH_EV_COND_WAIT;
			if (x->o.only == 0 || x->o.only == 2)
				x_add_action(list, n, a);
		}
	}
	a = (struct x_action){ .kind = X_LOCAL, .node = (uint8_t)node, .ev = COH_EV_COND_SIGNAL };
	for (; a.n < 2 && (x->o.only == 0 || x->o.only == 2) && !is_signalling(w, node); a.n++)
		x_add_action(list, n, a);
}

uint64_t x_sync_event(const struct explorer *x, struct world *w, struct x_action a)
{
	uint64_t ev = x_put(x_put(0, E_KIND, a.ev), E_THREAD, a.page);

	(void)x;
	switch (a.ev) {
	case COH_EV_LOCK:
		set_thread(w, a.node, a.page, a.n ? X_THREAD_TRIES : X_THREAD_LOCKS);
		return x_put(ev, E_TRY, a.n);
	case COH_EV_COND_WAIT: set_thread(w, a.node, a.page, X_THREAD_WAITS); return ev;
	case COH_EV_BARRIER:
		set_thread(w, a.node, a.page, X_THREAD_BARRIER);
		w->node[a.node].arrived = (w->node[a.node].arrived + 1) & 3;
		return ev;
	case COH_EV_UNLOCK: set_thread(w, a.node, a.page, X_THREAD_IDLE); return ev;
	default: return x_put(ev, E_ALL, a.n);
	}
}

/* --- nodes that die --- */

/* A dead thread may have held the mutex, or a grant may have been lost with its node. */
void x_sync_crash(const struct explorer *x, struct world *w, unsigned node)
{
	unsigned orphan = X_ORPHAN_MAY;

	for (unsigned t = 0; t < x->o.sync; t++)
		if (x_thread(w, node, t) == X_THREAD_HOLDS)
			orphan = X_ORPHAN_IS;
	w->orphan = (uint8_t)(w->orphan > orphan ? w->orphan : orphan);
}

/* Who waits for the condition will have the mutex without a signal: one may have been lost. */
void x_sync_enter(const struct explorer *x, struct world *w, unsigned node)
{
	for (unsigned t = 0; t < x->o.sync; t++)
		if (x_thread(w, node, t) == X_THREAD_WAITS)
			set_thread(w, node, t, X_THREAD_LOCKS);
}

/* A thread has the mutex, and is told whether whoever had it has died, or may have. */
static enum x_outcome granted(struct explorer *x, struct world *w, unsigned node, int orphan)
{
	if (orphan && w->orphan == X_ORPHAN_NOT)
		return x_bad(x, "node %u hears of a dead holder, and nobody has died since", node);
	if (!orphan && w->orphan == X_ORPHAN_IS)
		return x_bad(x, "node %u has the mutex of a dead holder, and is not told", node);
	if (orphan)
		w->orphan = X_ORPHAN_MAY;
	return X_DONE;
}

/* --- what must hold --- */

/* Whoever leaves the barrier, all have come as often as he has, or once more since. */
static enum x_outcome barrier_passed(struct explorer *x, const struct world *w, unsigned node)
{
	for (unsigned i = 0; i < x->o.nodes; i++) {
		unsigned ahead = (w->node[i].arrived - w->node[node].arrived) & 3;
		if (ahead > 1 && !w->node[i].dead)
			return x_bad(x, "node %u leaves the barrier before node %u has come", node,
			             i);
	}
	return X_DONE;
}

enum x_outcome x_sync_done(struct explorer *x, struct world *w, unsigned node,
                           const struct x_fx *fx)
{
	unsigned thread = (unsigned)fx->word - 1, state;
	int status = (int8_t)fx->slot, orphan = status == (int8_t)-EOWNERDEAD;

	if (fx->word == 0 || thread >= x->o.sync)
		return x_bad(x, "node %u completes what nobody called", node);
	state = x_thread(w, node, thread);
	set_thread(w, node, thread, X_THREAD_HOLDS);
	if ((status == 0 || orphan) && (state == X_THREAD_LOCKS || state == X_THREAD_WAITS ||
	                                state == X_THREAD_TRIES))
		return granted(x, w, node, orphan);
	if (state == X_THREAD_TRIES && status == -EBUSY) {
		set_thread(w, node, thread, X_THREAD_IDLE);
		return X_DONE;
	}
	set_thread(w, node, thread, X_THREAD_IDLE);
	if (state == X_THREAD_BARRIER && status == 0)
		return barrier_passed(x, w, node);
	return x_bad(x, "node %u: a call of thread %u ends with %d", node, thread, status);
}

static unsigned count(const struct explorer *x, const struct world *w, unsigned state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		for (unsigned t = 0; t < x->o.sync; t++)
			n += x_thread(w, i, t) == state;
	return n;
}

enum x_outcome x_sync_check(struct explorer *x, const struct world *w)
{
	if (count(x, w, X_THREAD_HOLDS) > 1)
		return x_bad(x, "two threads hold the mutex");
	return X_DONE;
}

/* Whether somebody who lives has still to come to the barrier that node is in. */
static int is_awaited(const struct explorer *x, const struct world *w, unsigned node)
{
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (!w->node[i].dead && ((w->node[node].arrived - w->node[i].arrived) & 3) == 1)
			return 1;
	return 0;
}

enum x_outcome x_sync_check_rest(struct explorer *x, const struct world *w)
{
	if (count(x, w, X_THREAD_TRIES))
		return x_bad(x, "at rest: a trylock is never answered");
	if (count(x, w, X_THREAD_LOCKS) && !count(x, w, X_THREAD_HOLDS))
		return x_bad(x, "at rest: a thread waits for a mutex that nobody holds");
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (x_thread(w, i, 0) == X_THREAD_BARRIER && !is_awaited(x, w, i))
			return x_bad(x, "at rest: node %u is in a barrier that nobody has to come to", i);
	return X_DONE;
}
