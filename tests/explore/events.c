/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every possible next event. A node takes an event only when the effects of its last
 * one are carried out: it steps under one lock. Nothing else is ordered but the
 * messages of a pair. Faults, evictions, prefetches and atomics may come at any time
 * and without end.
 */
#include <errno.h>
#include <string.h>

#include "tests/explore/explore.h"

void x_add_action(struct x_action *list, unsigned *n, struct x_action a)
{
	if (*n < X_ACTIONS)
		list[(*n)++] = a;
}

static int may_fault(const struct explorer *x, const struct world *w, unsigned node, unsigned page,
                     int write)
{
	unsigned blocked = w->node[node].blocked, count = 0;

	if (!x->o.faults || w->node[node].refused >> page & 1)
		return 0;
	if (!x->o.threads)
		return 1; /* even when the access suffices: the fault is older than the grant */
	for (unsigned p = 0; p < x->o.pages; p++)
		count += blocked >> p & 1;
	return !(blocked >> page & 1) && count < x->o.threads &&
	       x_access(w, node, page) < (write ? COH_WRITE : COH_READ);
}

static int may_start_atomic(const struct explorer *x, const struct world *w, unsigned node,
                            unsigned page)
{
	unsigned count = 0;

	if (page < x->o.secure)
		return 0; /* its thread writes it */
	for (unsigned i = 0; i < x->o.nodes && x->o.atomics; i++)
		for (unsigned p = 0; p < x->o.pages; p++)
			count += x_atomic(w, i, p) != X_ATOMIC_NONE;
	return count < x->o.atomics && x_atomic(w, node, page) == X_ATOMIC_NONE;
}

static int may_discard(const struct explorer *x, const struct world *w, unsigned node, unsigned how)
{
	unsigned count = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		count += w->node[i].thread == how || (how == X_RENEWS && w->node[i].thread > how);
	return count < (how == X_DISCARDS ? x->o.discards : x->o.renews) && !w->node[node].thread;
}

/* Whether a node has asked for a page, or gives one up, and has not been answered. */
static int waits(const struct explorer *x, const struct world *w, unsigned node)
{
	/* Only remembers what it has found. */
	const struct x_local_info *info =
	        x_local_info((struct x_locals *)&x->l, w->node[node].local);

	for (unsigned p = 0; p < x->o.pages; p++)
		if (info->page[p].cache_state > COH_C_M)
			return 1;
	return 0;
}

/* Whether a thread of another node waits for a page that this one does not hold, as one does that
 * will tell it to let go of what it holds. */
static int others_wait(const struct explorer *x, const struct world *w, unsigned node)
{
	const struct x_local_info *info =
	        x_local_info((struct x_locals *)&x->l, w->node[node].local);

	for (unsigned i = 0; i < x->o.nodes; i++)
		for (unsigned p = 0; p < x->o.pages && i != node; p++)
			if ((w->node[i].blocked >> p & 1) && !info->page[p].held)
				return 1;
	return 0;
}

static void local_actions(const struct explorer *x, const struct world *w, unsigned node,
                          struct x_action *list, unsigned *n)
{
	struct x_action a = { .kind = X_LOCAL, .node = (uint8_t)node };

	for (unsigned p = 0; p < x->o.pages; p++) {
		a.page = (uint8_t)p;
		for (a.ev = COH_EV_READ; a.ev <= COH_EV_WRITE; a.ev++)
			if (may_fault(x, w, node, p, a.ev == COH_EV_WRITE))
				x_add_action(list, n, a);
		a.ev = COH_EV_WRITE;
		for (a.n = 2; a.n <= x->o.writes && p + a.n <= x->o.pages; a.n++)
			if (may_fault(x, w, node, p, 1))
				x_add_action(list, n, a);
		a.n = 0;
		a.ev = COH_EV_EVICT;
		if (x->o.evict)
			x_add_action(list, n, a);
		a.ev = COH_EV_ATOMIC;
		if (may_start_atomic(x, w, node, p))
			x_add_action(list, n, a);
		a.ev = COH_EV_PREFETCH;
		for (a.n = 1; a.n <= x->o.runs && p + a.n <= x->o.pages; a.n++)
			x_add_action(list, n, a);
		a.n = 0;
	}
	a.ev = COH_EV_SECURE;
	if (x->o.secure && !w->node[node].secures)
		x_add_action(list, n, a);
	for (unsigned how = X_DISCARDS; how <= X_RENEWS; how++) {
		a.ev = how == X_DISCARDS ? COH_EV_DISCARD : COH_EV_RENEW;
		for (unsigned p = 0; p < x->o.pages && may_discard(x, w, node, how); p++) {
			a.page = (uint8_t)p;
			for (a.n = 1; a.n <= (x->o.runs ? x->o.runs : 1) && p + a.n <= x->o.pages; a.n++)
				x_add_action(list, n, a);
		}
	}
	if (x->o.futex)
		x_futex_actions(x, w, node, list, n);
	a = (struct x_action){ .kind = X_TIMER, .node = (uint8_t)node };
	if (x->o.pins && node == x->o.pinner && waits(x, w, node))
		return; /* what it has it keeps until it has the other one */
	if (x->o.pins > 1 && node == x->o.pinner && others_wait(x, w, node))
		return;
	for (a.index = 0; a.index < x->o.holds; a.index++)
		if (w->node[node].timers >> a.index & 1)
			x_add_action(list, n, a);
}

static int is_head(const struct world *w, unsigned i)
{
	return i == 0 || x_get(w->msg[i - 1], M_FROM) != x_get(w->msg[i], M_FROM) ||
	       x_get(w->msg[i - 1], M_TO) != x_get(w->msg[i], M_TO);
}

unsigned x_actions(const struct explorer *x, const struct world *w, struct x_action *list)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_msgs; i++) {
		unsigned to = (unsigned)x_get(w->msg[i], M_TO);
		if (is_head(w, i) && !w->node[to].todo)
			x_add_action(list, &n,
			             (struct x_action){ .kind = X_DELIVER,
			                                .node = (uint8_t)to,
			                                .index = (uint8_t)i });
	}
	for (unsigned i = 0; i < w->n_moves; i++) {
		struct x_action a = { .node = (uint8_t)x_get(w->move[i], V_TO),
			              .index = (uint8_t)i };
		a.kind = x_get(w->move[i], V_FLYING) ? X_LAND : X_TELL;
		if (a.kind == X_LAND || !w->node[a.node].todo)
			x_add_action(list, &n, a);
	}
	if (x->o.crashes)
		x_view_actions(x, w, list, &n);
	for (unsigned i = 0; i < x->o.nodes; i++) {
		if (w->node[i].dead)
			continue;
		for (unsigned p = 0; p < x->o.pages; p++)
			if (w->node[i].drop >> p & 1 && !x_is_leaving(w, i, p))
				x_add_action(list, &n,
				             (struct x_action){ .kind = X_PUNCH,
				                                .node = (uint8_t)i,
				                                .page = (uint8_t)p });
		if (!w->node[i].todo && w->node[i].compared)
			x_add_action(list, &n,
			             (struct x_action){ .kind = X_COMPARED, .node = (uint8_t)i });
		if (!w->node[i].todo && w->node[i].late)
			x_add_action(list, &n,
			             (struct x_action){ .kind = X_COMPARED,
			                                .node = (uint8_t)i,
			                                .n = 1 });
		if (!w->node[i].todo && x->o.asks && w->asked >= x->o.asks)
			continue;
		if (!w->node[i].todo && x->o.sync)
			x_sync_actions(x, w, i, list, &n);
		else if (!w->node[i].todo)
			local_actions(x, w, i, list, &n);
		else
			x_add_action(list, &n,
			             (struct x_action){ .kind = X_CARRY_OUT, .node = (uint8_t)i });
	}
	return n;
}

/* --- taking one --- */

/* Steps a node's core and carries out what it says. */
static enum x_outcome step(struct explorer *x, struct world *w, unsigned node, uint64_t ev)
{
	struct x_step s = x_local_step(&x->l, w->node[node].local, ev);
	unsigned kind = (unsigned)x_get(ev, E_KIND), n;
	uint32_t before = w->node[node].local;
	const struct x_fx *fx;

	if (s.bad)
		return x_bad(x, "node %u: %s", node, s.bad);
	if (s.rc == -EPROTO && x->o.lenient)
		return X_DONE;
	if (s.rc == -EAGAIN && kind == COH_EV_MSG && x->o.crashes)
		return X_NOTHING; /* of a view to come */
	if (s.rc && (kind == COH_EV_MSG || kind == COH_EV_LANDED || kind == COH_EV_TIMER ||
	             kind == COH_EV_COMPARED))
		return x_bad(x, "node %u refuses an honest event: %s", node, strerror(-s.rc));
	if (s.rc == -EAGAIN || s.rc == -EBUSY)
		return X_NOTHING; /* the caller tries again */
	if (s.rc)
		return x_bad(x, "node %u refuses a local event: %s", node, strerror(-s.rc));
	w->node[node].local = s.local;
	if (x->o.crashes && x_view_stepped(x, w, node, before, s.local) == X_BAD)
		return X_BAD;
	if (x->o.own)
		x_futex_slept(x, w, node);
	fx = x_list(&x->l, s.list, &n);
	return x_carry_out(x, w, node, fx, n);
}

static enum x_outcome deliver(struct explorer *x, struct world *w, unsigned index)
{
	uint64_t msg = w->msg[index];

	w->n_msgs--;
	memmove(&w->msg[index], &w->msg[index + 1], (w->n_msgs - index) * sizeof *w->msg);
	return step(x, w, (unsigned)x_get(msg, M_TO), x_put(msg, E_KIND, COH_EV_MSG));
}

static uint64_t take_move(struct world *w, unsigned index)
{
	uint64_t move = w->move[index];

	w->n_moves--;
	memmove(&w->move[index], &w->move[index + 1], (w->n_moves - index) * sizeof *w->move);
	return move;
}

/* The core must take a landing for the pages that landed. */
static enum x_outcome check_told(struct explorer *x, const struct world *before, uint64_t move)
{
	struct coh_tag tag = coh_tag_decode((uint32_t)move);
	unsigned to = (unsigned)x_get(move, V_TO), page = (unsigned)x_get(move, V_PAGE), n;
	struct x_step s = x_local_step(&x->l, before->node[to].local,
	                               x_put(move & 0xffffffff, E_KIND, COH_EV_LANDED));
	const struct x_fx *fx = x_list(&x->l, s.list, &n);
	const struct x_local_info *info = x_local_info(&x->l, before->node[to].local);

	if (s.rc || s.bad)
		return X_DONE; /* told already */
	if (tag.to_home)
		return info->page[page].dir_state >= COH_D_INV || info->page[page].copy || x_secure_stages(x, move)
		               ? X_DONE
		               : x_bad(x, "page %u lands at home %u, which does not wait for it",
		                       page, to);
	if (n && fx[0].kind == COH_FX_SET_ACCESS && fx[0].page == page &&
	    fx[0].n == x_get(move, V_N) && fx[0].access == tag.access)
		return X_DONE;
	return x_bad(x, "page %u lands at node %u, which takes it for another one", page, to);
}

static enum x_outcome tell(struct explorer *x, struct world *w, unsigned index)
{
	uint64_t move = take_move(w, index);
	unsigned to = (unsigned)x_get(move, V_TO);

	if (x->o.crashes)
		x_gave_told(w, move);
	if (!x->o.lenient && check_told(x, w, move) == X_BAD)
		return X_BAD;
	return step(x, w, to, x_put(move & 0xffffffff, E_KIND, COH_EV_LANDED));
}

static enum x_outcome local_event(struct explorer *x, struct world *w, struct x_action a)
{
	uint64_t ev = x_put(x_put(0, E_PAGE, a.page), E_N, a.n);

	w->asked += x->o.asks > 0;
	if (x->o.sync)
		return step(x, w, a.node, x_sync_event(x, w, a));
	if (a.ev == COH_EV_SECURE) {
		x_secure_asks(w, a.node);
		return step(x, w, a.node, x_put(0, E_KIND, a.ev));
	}
	if (a.ev >= COH_EV_FUTEX_WAIT && a.ev <= COH_EV_FUTEX_CANCEL)
		return step(x, w, a.node, x_futex_event(x, w, a));
	/* Before the step: its effects may complete or wake at once. */
	if (a.ev == COH_EV_READ || a.ev == COH_EV_WRITE)
		w->node[a.node].blocked |= (uint8_t)(1u << a.page);
	if (a.ev == COH_EV_ATOMIC)
		w->node[a.node].atomic |= (uint8_t)(X_ATOMIC_ASKED << (2 * a.page));
	if (a.ev == COH_EV_DISCARD || a.ev == COH_EV_RENEW)
		w->node[a.node].thread = a.ev == COH_EV_DISCARD ? X_DISCARDS : X_RENEWS;
	if (a.ev == COH_EV_DISCARD)
		w->doomed |= x->o.secure ? (uint8_t)(((1u << a.n) - 1) << a.page) : 0;
	return step(x, w, a.node, x_put(ev, E_KIND, a.ev));
}

static enum x_outcome apply(struct explorer *x, struct world *w, struct x_action a)
{
	const struct x_fx *fx;
	uint64_t ev;
	unsigned n;

	switch (a.kind) {
	case X_DELIVER: return deliver(x, w, a.index);
	case X_LAND: return x_land(x, w, take_move(w, a.index));
	case X_TELL: return tell(x, w, a.index);
	case X_PUNCH: x_punch(w, a.node, a.page); return X_DONE;
	case X_TIMER:
		w->node[a.node].timers &= (uint8_t) ~(1u << a.index);
		return step(x, w, a.node, x_put(x_put(0, E_SLOT, a.index), E_KIND, COH_EV_TIMER));
	case X_COMPARED:
		ev = x_compared_event(a.n ? w->node[a.node].late : w->node[a.node].compared);
		*(a.n ? &w->node[a.node].late : &w->node[a.node].compared) = 0;
		return step(x, w, a.node, ev);
	case X_CARRY_OUT:
		fx = x_list(&x->l, w->node[a.node].todo, &n);
		return x_carry_out(x, w, a.node, fx, n);
	case X_RECOVER: return step(x, w, a.node, x_put(0, E_KIND, COH_EV_RECOVER));
	case X_CRASH:
	case X_ANNOUNCE:
	case X_ENTER: return x_view_apply(x, w, a);
	default: return local_event(x, w, a);
	}
}

enum x_outcome x_apply(struct explorer *x, struct world *w, struct x_action a)
{
	enum x_outcome rc = apply(x, w, a);

	return rc == X_DONE && x->o.secure ? x_secure_settle(x, w) : rc;
}
