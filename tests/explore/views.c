/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes that die. A crash takes a node at any time, between any two effects; what it had sent may
 * still arrive, or not. A view of those who live is announced, and each of them enters it when it
 * likes (so the first one may as well be announced at once): what was to land in its frames is then cut off, torn or not, and it takes the news
 * of what had landed before.
 *
 * Requests are numbered for good in the core, and nothing matters of such a number but whether
 * it is that of a node's request for a page which is under way, or which a view has ended. So here
 * all requests of a view have the same, and when one is over, claims to it are forgotten.
 */
#include "tests/explore/explore.h"

#define ALIVE(w, i) (!(w)->node[i].dead)

static unsigned alive(const struct explorer *x, const struct world *w)
{
	unsigned map = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		map |= (unsigned)ALIVE(w, i) << i;
	return map;
}

unsigned x_home(const struct explorer *x, const struct world *w, unsigned page)
{
	return x->o.crashes ? coh_home_among(&x->l.cfg, w->members, page)
	                    : coh_home_of(&x->l.cfg, page);
}

int x_is_in_between(const struct world *w, unsigned nodes)
{
	for (unsigned i = 0; i < nodes; i++)
		if (w->node[i].dead ? w->members >> i & 1 : w->node[i].view != w->view)
			return 1;
	return 0;
}

int x_is_cut_off(const struct world *w, unsigned from, unsigned to)
{
	return w->node[to].dead || w->node[to].view > w->node[from].view;
}

/* Of a dead node's memory only counts what is still to land elsewhere. */
void x_tidy_dead(const struct explorer *x, struct world *w)
{
	for (unsigned i = 0; i < x->o.nodes; i++)
		for (unsigned p = 0; p < x->o.pages && w->node[i].dead; p++)
			if (!x_is_leaving(w, i, p))
				w->node[i].current &= (uint8_t) ~(1u << p);
}

/* --- what was given up, and why --- */

void x_gave_access(struct world *w, unsigned node, unsigned page, unsigned access)
{
	if (page < 2 && access != x_access(w, node, page))
		w->node[node].gave[page] = access == COH_NONE ? X_GAVE_UP : X_GAVE_NOTHING;
}

static void gave(struct world *w, unsigned node, unsigned page, unsigned whom)
{
	int asked = w->node[whom].view > w->node[node].view;
	int again = asked && w->node[node].view == 0 && w->node[whom].entered > 1;

	w->node[node].gave[page] = w->node[whom].dead || again
	                                   ? X_GAVE_UP
	                                   : (uint8_t)(X_GAVE + whom + (asked ? X_GAVE_ASKED : 0));
}

void x_gave_move(struct world *w, unsigned node, uint64_t move)
{
	unsigned page = (unsigned)x_get(move, V_PAGE), to = (unsigned)x_get(move, V_TO);
	struct coh_tag tag = coh_tag_decode((uint32_t)move);

	/* To who may write it; or from who gives it up for good, of two the first. */
	for (unsigned p = page; p < page + x_get(move, V_N) && p < 2; p++)
		if ((!tag.to_home && tag.access == COH_WRITE) || w->node[node].gave[p] == X_GAVE_UP)
			gave(w, node, p, to);
}

void x_gave_msg(struct explorer *x, struct world *w, uint64_t msg)
{
	unsigned type = (unsigned)x_get(msg, M_TYPE), page = (unsigned)x_get(msg, M_PAGE);
	unsigned from = (unsigned)x_get(msg, M_FROM), to = (unsigned)x_get(msg, M_TO);
	const struct coh_page_info *dir;

	if (!x->o.crashes || page >= 2)
		return;
	for (unsigned p = page; p < page + x_get(msg, M_N) && p < 2; p++)
		if (type == COH_MSG_GRANT && x_get(msg, M_ACCESS) == COH_WRITE)
			gave(w, from, p, to);
	if (type != COH_MSG_INV_ACK || w->node[from].gave[page] != X_GAVE_UP || w->node[to].dead ||
	    w->node[to].view != w->node[from].view)
		return;
	/* For whom, the home knows. */
	dir = &x_local_info(&x->l, w->node[to].local)->page[page];
	if (dir->dir_state == COH_D_INV && dir->request == COH_MSG_GETM)
		gave(w, from, page, dir->requestor);
}

void x_gave_landed(struct world *w, uint64_t move)
{
	unsigned page = (unsigned)x_get(move, V_PAGE);

	if (page < 2 && coh_tag_decode((uint32_t)move).to_home)
		w->node[x_get(move, V_TO)].gave[page] = X_GAVE_NOTHING;
}

/* The home has what it was pulling. */
void x_gave_told(struct world *w, uint64_t move)
{
	unsigned page = (unsigned)x_get(move, V_PAGE), from = (unsigned)x_get(move, V_FROM);

	if (page < 2 && coh_tag_decode((uint32_t)move).to_home &&
	    w->node[from].gave[page] % X_GAVE_ASKED == X_GAVE + x_get(move, V_TO))
		w->node[from].gave[page] = X_GAVE_UP;
}

uint8_t x_gave_permute(uint8_t g, const coh_node *perm)
{
	unsigned whom = g & (X_GAVE_ASKED - 1u);

	if (g == X_GAVE_NOTHING || g == X_GAVE_UP)
		return g;
	return (uint8_t)((g & X_GAVE_ASKED) | (X_GAVE + perm[whom - X_GAVE]));
}

/* A view ends node's requests: what was given up for them is good for this view alone. */
static void gave_in_view(const struct explorer *x, struct world *w, unsigned node)
{
	for (unsigned i = 0; i < x->o.nodes; i++)
		for (unsigned p = 0; p < 2; p++) {
			uint8_t *g = &w->node[i].gave[p];
			if (*g == X_GAVE + node)
				*g |= X_GAVE_ASKED;
			else if (*g == X_GAVE_ASKED + X_GAVE + node)
				*g = X_GAVE_UP;
		}
}

/* --- lost pages --- */

/* Whether node could have saved the page, as far as anybody can know. */
static int could_save(struct explorer *x, const struct world *w, unsigned home, unsigned node,
                      unsigned page)
{
	unsigned g = w->node[node].gave[page];

	if (!(w->members >> node & 1) || !(w->node[node].current >> page & 1))
		return 0;
	if (x_access(w, node, page))
		return 1;
	if (g == X_GAVE_NOTHING)
		return node == home && coh_home_of(&x->l.cfg, page) == home;
	return g != X_GAVE_UP && (w->members >> ((g & 7u) - X_GAVE) & 1);
}

int x_is_lost(struct explorer *x, const struct world *w, unsigned node, unsigned page)
{
	unsigned home = x_home(x, w, page);

	/* Else whose home that was is dead. */
	return w->node[home].view != w->node[node].view ||
	       x_local_info(&x->l, w->node[home].local)->page[page].dir_stable == COH_D_LOST;
}

static enum x_outcome check_lost(struct explorer *x, const struct world *w, unsigned home,
                                 unsigned page)
{
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (could_save(x, w, home, i, page))
			return x_bad(x, "page %u is lost, and node %u has it", page, i);
	return x->o.secure ? x_secure_lost(x, w, page) : X_DONE;
}

static int is_report_of(uint64_t msg, unsigned node, unsigned page, unsigned serial, int atomic)
{
	return x_get(msg, M_TYPE) == COH_MSG_REPORT && x_get(msg, M_REQUESTOR) == node &&
	       x_get(msg, M_PAGE) == page && x_get(msg, M_SERIAL) == serial &&
	       !(x_get(msg, M_FLAGS) & COH_F_RAN) == !atomic;
}

/* Reports that have not left yet. */
static uint32_t forget_todo(struct explorer *x, uint32_t todo, unsigned node, unsigned page,
                            unsigned serial, int atomic)
{
	struct x_fx out[64];
	unsigned n;
	const struct x_fx *fx = x_list(&x->l, todo, &n);

	for (unsigned i = 0; i < n && n <= 64; i++) {
		out[i] = fx[i];
		if (fx[i].kind == COH_FX_SEND && is_report_of(fx[i].word, node, page, serial, atomic))
			out[i].word = x_put(fx[i].word, M_SERIAL, 0);
	}
	return n <= 64 ? x_list_intern(&x->l, out, n) : todo;
}

static void forget_gave(const struct explorer *x, struct world *w, unsigned node, unsigned page,
                        int atomic)
{
	for (unsigned i = 0; i < x->o.nodes && !atomic; i++)
		if (i != node && ALIVE(w, i) && w->node[i].gave[page] == X_GAVE + node)
			w->node[i].gave[page] = X_GAVE_UP;
}

/* Node's request for page is over. */
static void forget(struct explorer *x, struct world *w, unsigned node, unsigned page,
                   unsigned serial, int atomic)
{
	uint64_t ev = x_put(x_put(0, E_PAGE, page), E_N, node);

	forget_gave(x, w, node, page, atomic);
	if (x->o.exact)
		return;
	ev = x_put(x_put(ev, E_SERIAL, serial), E_ATOMIC, (unsigned)atomic);
	ev = x_put(ev, E_KIND, X_EV_FORGET);
	for (unsigned i = 0; i < x->o.nodes; i++) {
		if (i == node || !ALIVE(w, i))
			continue;
		w->node[i].local = x_local_step(&x->l, w->node[i].local, ev).local;
		w->node[i].todo = forget_todo(x, w->node[i].todo, node, page, serial, atomic);
	}
	for (unsigned i = 0; i < w->n_msgs; i++)
		if (is_report_of(w->msg[i], node, page, serial, atomic))
			w->msg[i] = x_put(w->msg[i], M_SERIAL, 0);
}

static int is_request(unsigned state)
{
	return state == COH_C_IS_D || state == COH_C_IM_D || state == COH_C_SM_A;
}

enum x_outcome x_view_stepped(struct explorer *x, struct world *w, unsigned node, uint32_t before,
                              uint32_t after)
{
	const struct x_local_info *was = x_local_info(&x->l, before);
	const struct x_local_info *is = x_local_info(&x->l, after);

	for (unsigned p = 0; p < x->o.pages; p++) {
		if (was->view == is->view && is_request(was->page[p].cache_state) &&
		    !is_request(is->page[p].cache_state))
			forget(x, w, node, p, w->node[node].view + 1u, 0);
		if (was->page[p].asked && !is->page[p].asked)
			forget(x, w, node, p, was->page[p].asked, 1);
		if (!x->o.discards && was->view == is->view && !was->rebuilding && was->page[p].touched &&
		    !is->page[p].touched && was->page[p].dir_stable != COH_D_LOST)
			return x_bad(x, "page %u is renewed, and was not lost", p);
		if (!is->page[p].is_home || is->rebuilding ||
		    (!was->rebuilding && was->view == is->view))
			continue;
		if (is->page[p].dir_stable == COH_D_LOST && check_lost(x, w, node, p) == X_BAD)
			return X_BAD;
		if (is->page[p].dir_stable < COH_D_M)
			w->node[node].gave[p] = X_GAVE_NOTHING;
	}
	return X_DONE;
}

/* --- events --- */

static void announce(const struct explorer *x, struct world *w)
{
	w->view++;
	w->members = (uint8_t)alive(x, w);
}

static void crash(struct explorer *x, struct world *w, unsigned node)
{
	struct x_node *n = &w->node[node];
	unsigned kept = 0;

	if (x->o.sync)
		x_sync_crash(x, w, node);
	if (x->o.futex)
		x_futex_crash(w, node);
	*n = (struct x_node){.local = x_local_virgin(&x->l, (coh_node)node),
	                     .current = n->current,
	                     .dead = 1};
	for (unsigned i = 0; i < w->n_msgs; i++)
		if (x_get(w->msg[i], M_TO) != node)
			w->msg[kept++] = w->msg[i];
	w->n_msgs = (uint8_t)kept;
	kept = 0;
	for (unsigned i = 0; i < w->n_moves; i++)
		if (x_get(w->move[i], V_TO) != node)
			w->move[kept++] = w->move[i];
	w->n_moves = (uint8_t)kept;
	for (unsigned i = 0; i < x->o.nodes; i++)
		for (unsigned p = 0; p < 2; p++)
			if ((w->node[i].gave[p] & 7u) == X_GAVE + node)
				w->node[i].gave[p] = X_GAVE_UP;
	if (w->view == 0)
		announce(x, w);
	x_tidy_dead(x, w);
}

static void purge(struct world *w, unsigned node)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->n_msgs; i++)
		if (x_get(w->msg[i], M_TO) != node || x_get(w->msg[i], M_VIEW) == w->view)
			w->msg[kept++] = w->msg[i];
	w->n_msgs = (uint8_t)kept;
}

static void cut_off(struct explorer *x, struct world *w, unsigned node, int torn)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->n_moves; i++) {
		uint64_t m = w->move[i];
		if (x_get(m, V_TO) != node)
			w->move[kept++] = m;
		else if (torn) /* but a secure page lands as a whole */
			w->node[node].current &= (uint8_t) ~(((1u << x_get(m, V_N)) - 1) << x_get(m, V_PAGE)) |
			                         (uint8_t)((1u << x->o.secure) - 1);
	}
	w->n_moves = (uint8_t)kept;
	x_tidy_dead(x, w);
}

static enum x_outcome enter(struct explorer *x, struct world *w, unsigned node, int torn)
{
	uint64_t ev = x_put(x_put(0, E_VIEW, w->view), E_MEMBERS, w->members);
	struct x_step s = x_local_step(&x->l, w->node[node].local, x_put(ev, E_KIND, COH_EV_VIEW));
	uint32_t before;
	unsigned n;
	const struct x_fx *fx = x_list(&x->l, s.list, &n);

	if (s.rc || s.bad || n != 1 || fx->kind != COH_FX_FENCE)
		return x_bad(x, "node %u does not ask for a fence: %s", node, s.bad ? s.bad : "");
	cut_off(x, w, node, torn);
	before = s.local;
	s = x_local_step(&x->l, s.local, x_put(0, E_KIND, COH_EV_FENCED));
	if (s.rc || s.bad)
		return x_bad(x, "node %u does not enter the view: %s", node, s.bad ? s.bad : "");
	w->node[node].local = s.local;
	w->node[node].view = w->view;
	w->node[node].entered++;
	if (x->o.purge)
		purge(w, node);
	gave_in_view(x, w, node);
	if (x->o.sync)
		x_sync_enter(x, w, node);
	if (x->o.futex)
		x_futex_enter(x, w, node);
	if (!x->o.sync && w->node[node].thread == X_RENEWS)
		w->node[node].thread = X_RENEWAL_ENDS;
	/* It may have been the only one. */
	if (x_view_stepped(x, w, node, before, s.local) == X_BAD)
		return X_BAD;
	fx = x_list(&x->l, s.list, &n);
	if (x_carry_out(x, w, node, fx, n) == X_BAD)
		return X_BAD;
	x_secure_enter(x, w, node);
	return X_DONE;
}

enum x_outcome x_view_apply(struct explorer *x, struct world *w, struct x_action a)
{
	switch (a.kind) {
	case X_CRASH: crash(x, w, a.node); return X_DONE;
	case X_ANNOUNCE: announce(x, w); return X_DONE;
	default: return enter(x, w, a.node, a.n);
	}
}

/* 0: it may not enter yet; 2: something was still to land. */
static int may_enter(const struct world *w, unsigned node)
{
	int may = 1;

	if (w->node[node].view == w->view || w->node[node].todo || !(w->members >> node & 1))
		return 0;
	for (unsigned i = 0; i < w->n_moves; i++) {
		if (x_get(w->move[i], V_TO) != node)
			continue;
		if (!x_get(w->move[i], V_FLYING))
			return 0; /* it hears of that first */
		may = 2;
	}
	return may;
}

void x_view_actions(const struct explorer *x, const struct world *w, struct x_action *list,
                    unsigned *n)
{
	unsigned living = alive(x, w), dead = x->o.nodes - (unsigned)__builtin_popcount(living);

	if (w->members != living)
		x_add_action(list, n, (struct x_action){.kind = X_ANNOUNCE});
	for (unsigned i = 0; i < x->o.nodes; i++) {
		struct x_action a = {.kind = X_ENTER, .node = (uint8_t)i};
		if (!ALIVE(w, i))
			continue;
		if (dead < x->o.crashes && living != 1u << i)
			x_add_action(list, n, (struct x_action){.kind = X_CRASH, .node = (uint8_t)i});
		for (int may = may_enter(w, i); a.n < may; a.n++)
			x_add_action(list, n, a);
		/* Only remembers what it has found. */
		if (!w->node[i].todo &&
		    x_local_info((struct x_locals *)&x->l, w->node[i].local)->more)
			x_add_action(list, n, (struct x_action){.kind = X_RECOVER, .node = (uint8_t)i});
	}
}
