/* SPDX-License-Identifier: BSD-2-Clause */
/* The global state: its beginning, its stored form, and its effects. */
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"

void x_world_init(struct explorer *x, struct world *w)
{
	memset(w, 0, sizeof *w);
	for (unsigned i = 0; i < x->o.nodes; i++) {
		w->node[i].local = x_local_virgin(&x->l, (coh_node)i);
		w->node[i].current = (uint8_t)((1u << x->o.pages) - 1); /* all zero */
		w->members |= (uint8_t)(x->o.crashes ? 1u << i : 0);
	}
	if (x->o.sync)
		x_sync_init(x, w);
}

unsigned x_world_pack(const struct explorer *x, const struct world *w, uint8_t *bytes)
{
	uint8_t *at = bytes;
	size_t nodes = x->o.nodes * sizeof *w->node;

	memcpy(at, w, X_WORLD_HEAD);
	memcpy(at += X_WORLD_HEAD, w->node, nodes);
	memcpy(at += nodes, w->msg, w->n_msgs * sizeof *w->msg);
	at += w->n_msgs * sizeof *w->msg;
	memcpy(at, w->move, w->n_moves * sizeof *w->move);
	return (unsigned)(at - bytes) + w->n_moves * (unsigned)sizeof *w->move;
}

void x_world_unpack(const struct explorer *x, const uint8_t *bytes, unsigned len, struct world *w)
{
	size_t nodes = x->o.nodes * sizeof *w->node;

	(void)len;
	memcpy(w, bytes, X_WORLD_HEAD);
	memcpy(w->node, bytes += X_WORLD_HEAD, nodes);
	memset(&w->node[x->o.nodes], 0, (X_NODES - x->o.nodes) * sizeof *w->node);
	memcpy(w->msg, bytes += nodes, w->n_msgs * sizeof *w->msg);
	memcpy(w->move, bytes + w->n_msgs * sizeof *w->msg, w->n_moves * sizeof *w->move);
}

static unsigned pair_of(uint64_t msg)
{
	return (unsigned)(x_get(msg, M_FROM) << 4 | x_get(msg, M_TO));
}

void x_world_send(struct world *w, uint64_t msg)
{
	unsigned at = w->n_msgs;

	if (w->n_msgs == X_MSGS) {
		fprintf(stderr, "explore: more than %d messages under way; raise X_MSGS\n", X_MSGS);
		exit(2);
	}
	while (at > 0 && pair_of(w->msg[at - 1]) > pair_of(msg)) {
		w->msg[at] = w->msg[at - 1];
		at--;
	}
	w->msg[at] = msg;
	w->n_msgs++;
}

void x_world_move(struct world *w, uint64_t move)
{
	unsigned at = w->n_moves;

	if (w->n_moves == X_MOVES) {
		fprintf(stderr, "explore: more than %d page writes; raise X_MOVES\n", X_MOVES);
		exit(2);
	}
	while (at > 0 && w->move[at - 1] > move) {
		w->move[at] = w->move[at - 1];
		at--;
	}
	w->move[at] = move;
	w->n_moves++;
}

void x_world_permute(struct explorer *x, const struct world *w, unsigned g, struct world *out)
{
	const coh_node *perm = x->l.perm[g];

	out->n_msgs = out->n_moves = 0;
	out->written = w->written;
	out->woken = w->woken;
	out->view = w->view;
	out->orphan = w->orphan;
	out->asked = w->asked;
	out->floor_written = w->floor_written;
	for (unsigned p = 0; p < 2; p++) {
		out->unsafe[p] = w->unsafe[p];
		out->last[p] = w->last[p] ? (uint8_t)(perm[w->last[p] - 1] + 1) : 0;
		out->writer[p] = w->writer[p] ? (uint8_t)(perm[w->writer[p] - 1] + 1) : 0;
	}
	out->doomed = w->doomed;
	out->broken = w->broken;
	memset(out->pad, 0, sizeof out->pad);
	out->members = 0;
	for (unsigned i = 0; i < x->o.nodes; i++) {
		struct x_node *n = &out->node[perm[i]];
		*n = w->node[i];
		n->local = x_local_permute(&x->l, n->local, g);
		n->todo = x_list_permute(&x->l, n->todo, g);
		out->members |= (uint8_t)((w->members >> i & 1) << perm[i]);
		for (unsigned p = 0; p < 2; p++)
			n->gave[p] = x_gave_permute(n->gave[p], perm);
	}
	for (unsigned i = 0; i < w->n_msgs; i++)
		x_world_send(out, x_msg_permute(w->msg[i], perm));
	for (unsigned i = 0; i < w->n_moves; i++)
		x_world_move(out, x_move_permute(w->move[i], perm));
}

/* --- effects --- */

static int is_flying(uint64_t move, unsigned at, unsigned len, unsigned node, unsigned page)
{
	unsigned first = (unsigned)x_get(move, V_PAGE), n = (unsigned)x_get(move, V_N);

	return x_get(move, V_FLYING) && x_get(move, at, len) == node && page >= first &&
	       page < first + n;
}

/* The frame is the source (the target) of a page write that has not landed. */
int x_is_leaving(const struct world *w, unsigned node, unsigned page)
{
	for (unsigned i = 0; i < w->n_moves; i++)
		if (is_flying(w->move[i], V_FROM, node, page))
			return 1;
	return 0;
}

static int is_landing(const struct explorer *x, const struct world *w, unsigned node, unsigned page)
{
	for (unsigned i = 0; i < w->n_moves; i++)
		if (!x_secure_stages(x, w->move[i]) && is_flying(w->move[i], V_TO, node, page))
			return 1;
	return 0;
}

/* The node's frame has a new value. */
static void frame_written(const struct explorer *x, struct world *w, unsigned node, unsigned page)
{
	for (unsigned i = 0; i < x->o.nodes; i++)
		w->node[i].current &= (uint8_t) ~(1u << page), w->node[i].stage &= (uint8_t) ~(1u << page);
	w->node[node].current |= (uint8_t)(1u << page);
	w->written |= (uint8_t)(1u << page);
}

/* WRITE counts as writing at once, and until it is taken away (check.c): a thread that
 * writes less leaves more frames current, which can only hide a fault. */
static enum x_outcome fx_access(struct explorer *x, struct world *w, unsigned node,
                                const struct x_fx *fx)
{
	struct x_node *n = &w->node[node];

	for (unsigned p = fx->page; p < (unsigned)fx->page + fx->n; p++) {
		if (x->o.secure && x_secure_access(x, w, node, p, fx->access) == X_BAD)
			return X_BAD;
		if (x->o.crashes)
			x_gave_access(w, node, p, fx->access);
		n->access =
			(uint8_t)((n->access & ~(3u << (2 * p))) | (unsigned)fx->access << (2 * p));
		if (fx->access == COH_NONE)
			continue;
		n->drop &= (uint8_t) ~(1u << p);
		if (x->o.secure)
			x_secure_takes(x, w, node, p, 0);
		if (!(n->current >> p & 1))
			return x_bad(x, "node %u may %s page %u, and its frame is stale", node,
			             fx->access == COH_READ ? "read" : "write", p);
		if (fx->access == COH_WRITE)
			frame_written(x, w, node, p);
	}
	return X_DONE;
}

static enum x_outcome fx_move(struct explorer *x, struct world *w, unsigned node, uint64_t move)
{
	unsigned first = (unsigned)x_get(move, V_PAGE), to = (unsigned)x_get(move, V_TO);

	if (x->o.crashes)
		x_gave_move(w, node, move);
	for (unsigned p = first; p < first + x_get(move, V_N); p++) {
		w->node[node].drop &= (uint8_t) ~(1u << p);
		if (x_is_cut_off(w, node, to))
			continue;
		if (is_landing(x, w, node, p))
			return x_bad(x, "page %u leaves node %u while it lands there", p, node);
		if (!x_secure_stages(x, move) && (is_landing(x, w, to, p) || x_is_leaving(w, to, p)))
			return x_bad(x, "two page writes meet at page %u of node %u", p, to);
	}
	if (!x_is_cut_off(w, node, to))
		x_world_move(w, move);
	return X_DONE;
}

static enum x_outcome discard_done(struct explorer *x, struct world *w, unsigned node, int status)
{
	if (!w->node[node].thread)
		return x_bad(x, "node %u completes a discard that nobody waits for", node);
	if (status ? w->node[node].thread != X_RENEWAL_ENDS : w->node[node].thread == X_RENEWAL_ENDS)
		return x_bad(x, "node %u completes a %s", node,
		             status ? "discard that fails" : "renewal of an older view");
	w->node[node].thread = 0;
	return X_DONE;
}

static enum x_outcome call_done(struct explorer *x, struct world *w, unsigned node, uint64_t cookie,
                                unsigned before)
{
	unsigned page = (unsigned)cookie - 1;

	if (cookie == 0 || cookie > x->o.pages || x_atomic(w, node, page) != before)
		return x_bad(x, "node %u completes an atomic that %s", node,
		             cookie && cookie <= x->o.pages && x_atomic(w, node, page)
		                     ? "was not carried out"
		                     : "nobody waits for");
	w->node[node].atomic &= (uint8_t) ~(3u << (2 * page));
	return X_DONE;
}

/* Perhaps it was done, with the page. */
static enum x_outcome atomic_lost(struct explorer *x, struct world *w, unsigned node, unsigned page)
{
	if (!x->o.crashes || !x_atomic(w, node, page) || !x_is_lost(x, w, node, page))
		return x_bad(x, "an atomic of node %u fails", node);
	w->node[node].atomic &= (uint8_t) ~(3u << (2 * page));
	return X_DONE;
}

static enum x_outcome fx_atomic(struct explorer *x, struct world *w, unsigned node,
                                const struct x_fx *fx)
{
	unsigned p = fx->page;

	if (!(w->node[node].current >> p & 1))
		return x_bad(x, "an atomic on page %u at node %u finds a stale frame", p, node);
	if (fx->node != node && x->o.secure && x_secure_looks(x, w, node, p) == X_BAD)
		return X_BAD;
	if (is_landing(x, w, node, p) || x_is_leaving(w, node, p))
		return x_bad(x, "an atomic on page %u at node %u during a page write", p, node);
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (i != node && x_access(w, i, p))
			return x_bad(x, "an atomic on page %u at node %u, and node %u may read it",
			             p, node, i);
	w->node[node].drop &= (uint8_t) ~(1u << p);
	frame_written(x, w, node, p);
	if (x->o.crashes && p < 2 && !x_access(w, node, p))
		w->node[node].gave[p] = X_GAVE_NOTHING;
	if (w->node[fx->node].dead)
		return X_DONE;
	if (x_atomic(w, fx->node, p) != X_ATOMIC_ASKED)
		return x_bad(x, "an atomic of node %u that it does not ask for", fx->node);
	w->node[fx->node].atomic += (uint8_t)(1u << (2 * p));
	if (fx->node == node)
		return call_done(x, w, node, fx->word, X_ATOMIC_CARRIED_OUT);
	x_world_send(w, x_put(x_atomic_resp((coh_node)node, fx->node, p, fx->slot), M_VIEW,
	                      w->node[node].view));
	return X_DONE;
}

/* The frame becomes a hole, which reads as zero. */
void x_punch(struct world *w, unsigned node, unsigned page)
{
	struct x_node *n = &w->node[node];
	uint8_t bit = (uint8_t)(1u << page);

	n->drop &= (uint8_t)~bit;
	n->current &= (uint8_t)~bit;
	n->current |= bit & (uint8_t)~w->written;
	n->floor &= (uint8_t)~bit;
	n->floor |= bit & (uint8_t)~w->floor_written;
}

/*
 * The node gives the frame back when its last page write from there is over at this end
 * (unless the frame is needed before). That may be long ago or long after the landing,
 * and nothing else depends on local completions: so they are not kept, and the frame may
 * go at any time from now on when nothing that left it is still to land.
 */
static enum x_outcome fx_drop_one(struct explorer *x, struct world *w, unsigned node, unsigned page)
{
	if (x_access(w, node, page))
		return x_bad(x, "node %u drops the frame of page %u under its window", node, page);
	if (is_landing(x, w, node, page))
		return x_bad(x, "node %u drops the frame of page %u while it lands", node, page);
	w->node[node].drop |= (uint8_t)(1u << page);
	return X_DONE;
}

static enum x_outcome fx_drop(struct explorer *x, struct world *w, unsigned node,
                              const struct x_fx *fx)
{
	for (unsigned p = fx->page; p < (unsigned)fx->page + fx->n; p++)
		if (fx_drop_one(x, w, node, p) == X_BAD)
			return X_BAD;
	return X_DONE;
}

/* The frame is written with zeros, which is what the page is if nobody has written it. */
static enum x_outcome zero(struct explorer *x, struct world *w, unsigned node, unsigned page)
{
	struct x_node *n = &w->node[node];
	uint8_t bit = (uint8_t)(1u << page);

	if (x_access(w, node, page))
		return x_bad(x, "node %u zeroes the frame of page %u under its window", node, page);
	if (is_landing(x, w, node, page) || x_is_leaving(w, node, page))
		return x_bad(x, "node %u zeroes the frame of page %u during a page write", node,
		             page);
	if (x->o.secure)
		x_secure_takes(x, w, node, page, 1);
	n->current &= (uint8_t)~bit;
	n->current |= bit & (uint8_t)~w->written;
	n->floor &= (uint8_t)~bit;
	n->floor |= bit & (uint8_t)~w->floor_written;
	return X_DONE;
}

static enum x_outcome fx_zero(struct explorer *x, struct world *w, unsigned node,
                              const struct x_fx *fx)
{
	for (unsigned p = fx->page; p < (unsigned)fx->page + fx->n; p++)
		if (zero(x, w, node, p) == X_BAD)
			return X_BAD;
	return X_DONE;
}

/* There are others under way. */
static int is_doomed_again(const struct explorer *x, const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		n += w->node[i].dead || w->node[i].thread == X_DISCARDS;
	return n > 1;
}

/* From now on the page is zero, as if nobody had written it, and no frame but this one is known
 * to be. */
static enum x_outcome fx_discard(struct explorer *x, struct world *w, unsigned node,
                                 const struct x_fx *fx)
{
	for (unsigned p = fx->page; p < (unsigned)fx->page + fx->n; p++) {
		for (unsigned i = 0; i < x->o.nodes; i++) {
			if (x_access(w, i, p))
				return x_bad(x, "page %u is discarded, and node %u may read it", p, i);
			if (is_landing(x, w, i, p) || x_is_leaving(w, i, p))
				return x_bad(x, "page %u is discarded during a page write", p);
			w->node[i].stage &= (uint8_t) ~(1u << p);
			w->node[i].current &= (uint8_t) ~(1u << p);
			w->node[i].floor &= (uint8_t) ~(1u << p);
			if (x->o.crashes && p < 2)
				w->node[i].gave[p] = i == node ? X_GAVE_NOTHING : X_GAVE_UP;
		}
		w->written &= (uint8_t) ~(1u << p);
		w->floor_written &= (uint8_t) ~(1u << p);
		if (p < 2)
			w->unsafe[p] = w->writer[p] = w->last[p] = 0;
		if (!is_doomed_again(x, w))
			w->doomed &= (uint8_t) ~(1u << p);
		if (zero(x, w, node, p) == X_BAD)
			return X_BAD;
		w->node[node].drop |= (uint8_t)(1u << p);
	}
	return X_DONE;
}

static enum x_outcome fx_timer(struct explorer *x, struct world *w, unsigned node, unsigned slot)
{
	if (slot >= 8 || (w->node[node].timers >> slot & 1))
		return x_bad(x, "node %u arms timer %u twice", node, slot);
	w->node[node].timers |= (uint8_t)(1u << slot);
	return X_DONE;
}

static enum x_outcome carry_out_one(struct explorer *x, struct world *w, unsigned node,
                                    const struct x_fx *fx)
{
	unsigned run = ((1u << fx->n) - 1) << fx->page;

	switch (fx->kind) {
	case COH_FX_SET_ACCESS: return fx_access(x, w, node, fx);
	case COH_FX_WAKE: w->node[node].blocked &= (uint8_t)~run; return X_DONE;
	case COH_FX_SEND:
		if (fx->fill)
			w->node[node].drop &= (uint8_t)~run;
		if (x->o.crashes)
			x_gave_msg(x, w, fx->word);
		if (!w->node[x_get(fx->word, M_TO)].dead &&
		    !(x->o.purge && x_is_cut_off(w, node, (unsigned)x_get(fx->word, M_TO))))
			x_world_send(w, fx->word);
		return x->o.futex ? x_futex_send(x, w, fx->word) : X_DONE;
	case COH_FX_MOVE: return fx_move(x, w, node, fx->word);
	case COH_FX_TIMER: return fx_timer(x, w, node, fx->slot);
	case COH_FX_ATOMIC: return fx_atomic(x, w, node, fx);
	case COH_FX_COMPARE: return x_futex_compare(x, w, node, fx);
	case COH_FX_DROP_FRAME: return fx_drop(x, w, node, fx);
	case COH_FX_ZERO_FRAME: return fx_zero(x, w, node, fx);
	case COH_FX_DISCARD_FRAME: return fx_discard(x, w, node, fx);
	case COH_FX_TAKE: return x_secure_take(x, w, node, fx->page);
	case COH_FX_LOST: w->node[node].refused |= (uint8_t)run; return X_DONE; /* a wake follows */
	case COH_FX_RENEWED: w->node[node].refused &= (uint8_t)~run; return X_DONE;
	case COH_FX_COMPLETE:
		if (x->o.sync)
			return x_sync_done(x, w, node, fx);
		if (fx->word == X_WAIT_COOKIE || fx->word == X_WAKE_COOKIE)
			return x_futex_done(x, w, node, fx);
		if (fx->word == X_SECURE_COOKIE)
			return x_secure_done(x, w, node);
		if (fx->word == X_DISCARD_COOKIE)
			return discard_done(x, w, node, fx->slot);
		if (fx->slot)
			return atomic_lost(x, w, node, (unsigned)fx->word - 1);
		return call_done(x, w, node, fx->word, X_ATOMIC_CARRIED_OUT);
	default: return x_bad(x, "unknown effect %u", fx->kind);
	}
}

/* Changes what others may notice at a later time than what went before it. */
static int is_local(const struct world *w, unsigned node, const struct x_fx *fx)
{
	switch (fx->kind) {
	case COH_FX_SET_ACCESS:
		for (unsigned p = fx->page; p < (unsigned)fx->page + fx->n; p++)
			if (x_access(w, node, p) != fx->access)
				return 1;
		return 0;
	case COH_FX_ATOMIC:
	case COH_FX_COMPARE:
	case COH_FX_ZERO_FRAME:
	case COH_FX_TAKE:
	case COH_FX_DISCARD_FRAME:
	case COH_FX_DROP_FRAME:
	case COH_FX_LOST:
	case COH_FX_RENEWED: return 1;
	default: return 0;
	}
}

/*
 * Others may act between any two effects of a node. That makes a difference only where
 * something they can notice (a message, a page write) has left and something local is
 * still to be done: before the first departure whatever the others do could have been
 * done before this event, and a message that leaves later is one that arrives later.
 * So the list is carried out up to the first local effect behind a departure, and the
 * rest is an event of its own. With o.one every effect is.
 */
enum x_outcome x_carry_out(struct explorer *x, struct world *w, unsigned node,
                           const struct x_fx *fx, unsigned n)
{
	int left = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (x->o.one ? i > 0 : left && is_local(w, node, &fx[i]))
			break;
		left |= fx[i].kind == COH_FX_SEND || fx[i].kind == COH_FX_MOVE ||
		        fx[i].kind == COH_FX_ATOMIC || fx[i].kind == COH_FX_COMPARE;
		if (carry_out_one(x, w, node, &fx[i]) == X_BAD)
			return X_BAD;
	}
	w->node[node].todo = i < n ? x_list_intern(&x->l, fx + i, n - i) : 0;
	return X_DONE;
}

enum x_outcome x_land(struct explorer *x, struct world *w, uint64_t move)
{
	unsigned from = (unsigned)x_get(move, V_FROM), to = (unsigned)x_get(move, V_TO);
	unsigned first = (unsigned)x_get(move, V_PAGE), n = (unsigned)x_get(move, V_N);

	for (unsigned p = first; p < first + n; p++) {
		if (x->o.secure)
			x_secure_takes(x, w, from, p, 0);
		if (!(w->node[from].current >> p & 1))
			return x_bad(x, "stale page %u goes from node %u to node %u", p, from, to);
		if (x_secure_stages(x, move)) {
			w->node[to].stage |= (uint8_t)(1u << p);
			continue;
		}
		w->node[to].current |= (uint8_t)(1u << p);
		w->node[to].floor &= (uint8_t) ~(1u << p);
	}
	x_world_move(w, x_put(move, V_FLYING, 0));
	if (x->o.crashes) {
		x_gave_landed(w, move);
		x_tidy_dead(x, w);
	}
	return X_DONE;
}
