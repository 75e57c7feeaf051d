/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that wait for a word of page 0, one of a node at most, and one that wakes them, as often
 * as they like. What the word holds is left open: a wait begins with whether it will find what it
 * expects. Whoever has found it, when a wake begins, is woken by this or another one before it
 * ends, unless it has taken as many as it may; those who came first are woken first; and a thread
 * that a wake has counted returns as woken, and no other.
 */
#include <errno.h>

#include "tests/explore/explore.h"

static void act(struct x_action *list, unsigned *n, unsigned node, unsigned ev, unsigned value)
{
	x_add_action(list, n,
	             (struct x_action){ .kind = X_LOCAL,
	                                .node = (uint8_t)node,
	                                .ev = (uint8_t)ev,
	                                .n = (uint8_t)value });
}

void x_futex_actions(const struct explorer *x, const struct world *w, unsigned node,
                     struct x_action *list, unsigned *n)
{
	const struct x_node *me = &w->node[node];
	unsigned waits = 0, wakes = 0;

	for (unsigned i = 0; i < x->o.nodes; i++) {
		waits += w->node[i].wait != X_WAIT_NONE;
		wakes += w->node[i].wake != 0;
	}
	for (unsigned equal = x->o.own; equal < 2 && me->wait == X_WAIT_NONE && waits < x->o.futex; equal++)
		act(list, n, node, COH_EV_FUTEX_WAIT, equal);
	if (me->wait != X_WAIT_NONE && !(me->wait & X_WAIT_CANCELS))
		act(list, n, node, COH_EV_FUTEX_CANCEL, 0);
	if (wakes)
		return;
	act(list, n, node, COH_EV_FUTEX_WAKE, 1);
	act(list, n, node, COH_EV_FUTEX_WAKE, X_WAKE_ALL);
}

uint64_t x_futex_event(const struct explorer *x, struct world *w, struct x_action a)
{
	struct x_node *me = &w->node[a.node];

	if (a.ev == COH_EV_FUTEX_WAIT)
		me->wait = X_WAIT_ASKED;
	if (a.ev == COH_EV_FUTEX_CANCEL)
		me->wait |= X_WAIT_CANCELS;
	if (a.ev == COH_EV_FUTEX_WAKE) {
		me->wake = a.n;
		for (unsigned i = 0; i < x->o.nodes; i++)
			w->node[i].due = x_wait(w, i) == X_WAIT_SLEEPS && !w->node[i].dead;
	}
	return x_put(x_put(x_put(0, E_VALUE, a.n), E_OWN, x->o.own), E_KIND, a.ev);
}

static void set_wait(struct world *w, unsigned node, unsigned state)
{
	w->node[node].wait = (uint8_t)((w->node[node].wait & X_WAIT_CANCELS) | state);
}

/* The thread whose word is compared: there is one at most. */
static unsigned compared_for(struct explorer *x, const struct world *w, unsigned home)
{
	return x_local_info(&x->l, w->node[home].local)->page[0].requestor;
}

/* The thread's wait is of this view: one that a view has ended may go on where that has not begun. */
static int is_waiting_in(const struct world *w, unsigned thread, unsigned view)
{
	return !w->node[thread].dead && w->node[thread].view == view &&
	       !(w->node[thread].wait & X_WAIT_ENDS);
}

/* It sleeps from now on, behind those who do. */
static void sleeps(const struct explorer *x, struct world *w, unsigned thread)
{
	set_wait(w, thread, X_WAIT_SLEEPS);
	w->node[thread].place = 0;
	for (unsigned i = 0; i < x->o.nodes; i++)
		w->node[thread].place += i != thread && x_wait(w, i) == X_WAIT_SLEEPS;
}

void x_futex_slept(struct explorer *x, struct world *w, unsigned node)
{
	const struct x_local_info *info = x_local_info(&x->l, w->node[node].local);

	for (unsigned i = 0; i < x->o.nodes; i++)
		if (is_waiting_in(w, i, w->node[node].view) && x_wait(w, i) == X_WAIT_ASKED &&
		    info->asleep >> i & 1)
			sleeps(x, w, i);
}

static enum x_outcome tell_compared(struct world *w, unsigned node, unsigned home, unsigned equal)
{
	if (home == node)
		w->node[node].compared = (uint8_t)(equal + 1 + (w->node[node].view << 4));
	else
		x_world_send(w, x_put(x_compared((coh_node)node, (coh_node)home, 0, equal), M_VIEW,
		                      w->node[node].view));
	return X_DONE;
}

enum x_outcome x_futex_compare(struct explorer *x, struct world *w, unsigned node,
                               const struct x_fx *fx)
{
	unsigned equal = (unsigned)fx->word, thread;

	if (x_is_cut_off(w, node, fx->node))
		return X_DONE; /* nobody hears of it */
	thread = compared_for(x, w, fx->node);
	if (!(w->node[node].current & 1))
		return x_bad(x, "node %u compares a word in a stale frame", node);
	if (thread < x->o.nodes && !is_waiting_in(w, thread, w->node[node].view))
		return tell_compared(w, node, fx->node, equal);
	if (thread >= x->o.nodes || x_wait(w, thread) != X_WAIT_ASKED)
		return x_bad(x, "node %u compares a word for nobody", node);
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (i != node && x_access(w, i, 0) == COH_WRITE)
			return x_bad(x, "node %u compares a word that node %u writes", node, i);
	if (x->o.own)
		return x_bad(x, "node %u compares a word for one who wants no comparison", node);
	if (equal)
		sleeps(x, w, thread);
	else
		set_wait(w, thread, X_WAIT_DIFFERS);
	return tell_compared(w, node, fx->node, equal);
}

/* What waits for the last report begins in one step, where a thread may sleep and be woken. */
static void sleeps_in_step(const struct explorer *x, struct world *w, unsigned thread)
{
	if (x->o.own && w->view && x_wait(w, thread) == X_WAIT_ASKED)
		set_wait(w, thread, X_WAIT_SLEEPS);
}

/* A thread is told that it sleeps no more. */
static enum x_outcome awake(struct explorer *x, struct world *w, unsigned node, int woken)
{
	struct x_node *n = &w->node[node];

	sleeps_in_step(x, w, node);
	if (x_wait(w, node) != X_WAIT_SLEEPS)
		return x_bad(x, "a thread of node %u is woken, and does not sleep", node);
	if (woken && n->place)
		return x_bad(x, "a thread of node %u is woken before one that came earlier", node);
	set_wait(w, node, woken ? X_WAIT_WOKEN : X_WAIT_CANCELLED);
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (x_wait(w, i) == X_WAIT_SLEEPS && w->node[i].place > n->place)
			w->node[i].place--;
	n->place = n->due = 0;
	w->woken += woken;
	return X_DONE;
}

enum x_outcome x_futex_send(struct explorer *x, struct world *w, uint64_t msg)
{
	unsigned to = (unsigned)x_get(msg, M_TO), value = (unsigned)x_get(msg, M_RESULT);

	if (x_get(msg, M_TYPE) == COH_MSG_FUTEX_WOKEN && is_waiting_in(w, to, (unsigned)x_get(msg, M_VIEW)))
		return awake(x, w, to, value == 1);
	if (x_get(msg, M_TYPE) == COH_MSG_FUTEX_WOKEN)
		w->woken += value == 1; /* spent on one who has ended, or died */
	return X_DONE;
}

static enum x_outcome wake_done(struct explorer *x, struct world *w, unsigned node, unsigned woken)
{
	struct x_node *n = &w->node[node];

	if (!n->wake)
		return x_bad(x, "node %u completes a wake that nobody waits for", node);
	if (woken > n->wake)
		return x_bad(x, "node %u has woken %u threads, and wanted %u", node, woken,
		             n->wake);
	for (unsigned i = 0; i < x->o.nodes; i++) {
		if (w->node[i].due && woken < n->wake && w->node[i].view >= n->view)
			return x_bad(x,
			             "lost wake-up: a thread of node %u sleeps, and node %u has "
			             "woken %u since",
			             i, node, woken);
		w->node[i].due = 0;
	}
	if (woken > w->woken)
		return x_bad(x, "node %u is told of %u woken threads, of %u", node, woken,
		             w->woken);
	w->woken -= (uint8_t)woken;
	n->wake = 0;
	return X_DONE;
}

/* Nobody knows how many it has woken. */
static enum x_outcome wake_ended(struct explorer *x, struct world *w, unsigned node)
{
	if (!w->node[node].wake || !w->node[node].view)
		return x_bad(x, "node %u: a wake comes to nothing, and no view has begun", node);
	w->node[node].wake = 0;
	w->woken = 0;
	for (unsigned i = 0; i < x->o.nodes; i++)
		w->node[i].due = 0;
	return X_DONE;
}

enum x_outcome x_futex_done(struct explorer *x, struct world *w, unsigned node,
                            const struct x_fx *fx)
{
	unsigned state = x_wait(w, node);
	int status = (int8_t)fx->slot;

	if (fx->word == X_WAKE_COOKIE && status == -ESTALE)
		return wake_ended(x, w, node);
	if (fx->word == X_WAKE_COOKIE)
		return wake_done(x, w, node, fx->n);
	if (w->node[node].wait & X_WAIT_ENDS) {
		if (status != -ESTALE)
			return x_bad(x, "node %u: a wait of an older view ends with %d", node, status);
		w->node[node].wait = X_WAIT_NONE;
		return X_DONE;
	}
	if (x_local_info(&x->l, w->node[node].local)->page[0].is_home)
		sleeps_in_step(x, w, node);
	state = x_wait(w, node);
	/* This node's own home tells it by no message. */
	if (state == X_WAIT_SLEEPS && x_local_info(&x->l, w->node[node].local)->page[0].is_home) {
		if (awake(x, w, node, status == 0) == X_BAD)
			return X_BAD;
		state = x_wait(w, node);
	}
	/* Nobody can tell what is in a page that is lost. */
	if (x->o.crashes && state == X_WAIT_ASKED && status == -EAGAIN &&
	    (w->node[node].view != w->view || x_is_lost(x, w, node, 0)))
		state = X_WAIT_DIFFERS;
	if (status != (state == X_WAIT_WOKEN       ? 0
	               : state == X_WAIT_DIFFERS   ? -EAGAIN
	               : state == X_WAIT_CANCELLED ? -ETIMEDOUT
	                                           : 1))
		return x_bad(x, "node %u: a wait in state %u ends with %d", node, state, status);
	if (status == -ETIMEDOUT && !(w->node[node].wait & X_WAIT_CANCELS))
		return x_bad(x, "node %u: a wait ends that nobody has cancelled", node);
	w->node[node].wait = X_WAIT_NONE;
	return X_DONE;
}

/* --- nodes that die --- */

/* Whoever sleeps behind this one's thread comes earlier. */
static void leave_queue(struct world *w, unsigned node)
{
	struct x_node *n = &w->node[node];

	for (unsigned i = 0; i < X_NODES; i++)
		if (x_wait(w, node) == X_WAIT_SLEEPS && x_wait(w, i) == X_WAIT_SLEEPS &&
		    w->node[i].place > n->place)
			w->node[i].place--;
	n->place = n->due = 0;
}

void x_futex_crash(struct world *w, unsigned node)
{
	leave_queue(w, node);
	if (!w->node[node].wake)
		return;
	w->woken = 0;
	for (unsigned i = 0; i < X_NODES; i++)
		w->node[i].due = 0;
}

void x_futex_enter(const struct explorer *x, struct world *w, unsigned node)
{
	(void)x;
	leave_queue(w, node);
	if (w->node[node].compared)
		w->node[node].late = w->node[node].compared;
	w->node[node].compared = 0;
	if (w->node[node].wait != X_WAIT_NONE)
		w->node[node].wait = X_WAIT_ASKED | X_WAIT_ENDS;
}

enum x_outcome x_futex_check_rest(struct explorer *x, const struct world *w, unsigned node)
{
	const struct x_node *n = &w->node[node];

	if ((n->wait != X_WAIT_NONE && n->wait != X_WAIT_SLEEPS) || n->wait & X_WAIT_ENDS)
		return x_bad(x, "at rest: node %u has a wait in state %#x", node, n->wait);
	if (n->wake)
		return x_bad(x, "at rest: a wake of node %u is never answered", node);
	if (w->woken && !w->view)
		return x_bad(x, "at rest: %u threads were woken by nobody", w->woken);
	return X_DONE;
}
