/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold in every state, and what must stay possible from every state. */
#include <stdarg.h>
#include <string.h>

#include "tests/explore/explore.h"

enum x_outcome x_bad(struct explorer *x, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(x->why, sizeof x->why, format, args);
	va_end(args);
	return X_BAD;
}

/* SWMR and data value, by what the windows allow. */
static enum x_outcome check_windows(struct explorer *x, const struct world *w, unsigned page)
{
	int writer = -1, reader = -1;

	for (unsigned i = 0; i < x->o.nodes; i++) {
		unsigned access = x_access(w, i, page);
		if (access == COH_NONE)
			continue;
		if (writer >= 0 || (access == COH_WRITE && reader >= 0))
			return x_bad(x, "SWMR: page %u, node %u may %s while node %d may %s", page,
			             i, access == COH_WRITE ? "write" : "read",
			             writer >= 0 ? writer : reader, writer >= 0 ? "write" : "read");
		if (access == COH_WRITE)
			writer = (int)i;
		else
			reader = (int)i;
		if (!(w->node[i].current >> page & 1))
			return x_bad(x, "data value: node %u may read a stale page %u", i, page);
	}
	return X_DONE;
}

/* Who tells his threads that a page is lost is right. */
static enum x_outcome check_refused(struct explorer *x, const struct world *w, unsigned page)
{
	unsigned home = x_home(x, w, page);
	const struct x_local_info *info = x_local_info(&x->l, w->node[home].local);

	if (w->node[home].dead || info->rebuilding || !info->page[page].is_home ||
	    info->page[page].dir_stable == COH_D_LOST)
		return X_DONE;
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (w->node[i].refused >> page & 1 && w->node[i].view == w->node[home].view)
			return x_bad(x, "node %u refuses page %u, which is not lost", i, page);
	return X_DONE;
}

/* Nobody touches what the network is reading or writing. */
static enum x_outcome check_moves(struct explorer *x, const struct world *w)
{
	for (unsigned i = 0; i < w->n_moves; i++) {
		uint64_t m = w->move[i];
		unsigned from = (unsigned)x_get(m, V_FROM), to = (unsigned)x_get(m, V_TO);
		unsigned first = (unsigned)x_get(m, V_PAGE);
		for (unsigned p = first; p < first + x_get(m, V_N) && x_get(m, V_FLYING); p++) {
			if (x_access(w, to, p) && !x_secure_stages(x, m))
				return x_bad(x, "node %u may read page %u, which is to land there",
				             to, p);
			if (x_access(w, from, p) == COH_WRITE)
				return x_bad(x,
				             "node %u may write page %u, which has not landed yet",
				             from, p);
		}
	}
	return X_DONE;
}

int x_is_still(const struct world *w, unsigned nodes)
{
	if (w->n_msgs || w->n_moves || x_is_in_between(w, nodes))
		return 0;
	for (unsigned i = 0; i < nodes; i++)
		if (w->node[i].todo || w->node[i].timers || w->node[i].drop || w->node[i].compared ||
		    w->node[i].late)
			return 0;
	return 1;
}

static enum x_outcome check_directory(struct explorer *x, const struct world *w, unsigned page)
{
	unsigned home = x_home(x, w, page);
	const struct coh_page_info *dir = &x_local_info(&x->l, w->node[home].local)->page[page];
	uint64_t sharers = 0, owners = 0, known;

	for (unsigned i = 0; i < x->o.nodes; i++) {
		if (w->node[i].dead)
			continue;
		unsigned state = x_local_info(&x->l, w->node[i].local)->page[page].cache_state;
		if (x_access(w, i, page) != coh_access_of(state))
			return x_bad(x,
			             "at rest: the window of node %u does not allow what page %u's "
			             "state %s says",
			             i, page, coh_cache_state_name(state));
		sharers |= (uint64_t)(state == COH_C_S) << i;
		owners |= (uint64_t)(state == COH_C_M) << i;
	}
	/* An inexact set may hold more than there are. */
	known = dir->dir_state == COH_D_S || dir->dir_state == COH_D_AWAY ? dir->sharers : 0;
	if (owners != (dir->dir_state == COH_D_M ? UINT64_C(1) << dir->owner : 0) ||
	    (dir->sharers_inexact || x->o.crashes ? sharers & ~known : sharers ^ known))
		return x_bad(
			x, "at rest: the directory says %s of page %u, the caches %#llx S, %#llx M",
			coh_dir_state_name(dir->dir_state), page, (unsigned long long)sharers,
			(unsigned long long)owners);
	if (dir->dir_state < COH_D_M && !(w->node[home].current >> page & 1) &&
	    !(dir->secure && !dir->touched) && !(w->doomed >> page & 1)) /* zeroed when it is asked for */
		return x_bad(x, "at rest: the home's frame of page %u is stale", page);
	if (dir->dir_state != COH_D_LOST && !dir->touched && (w->written >> page & 1) &&
	    !(w->doomed >> page & 1))
		return x_bad(x, "at rest: page %u was written and counts as untouched", page);
	return X_DONE;
}

/* Nothing is under way, so nothing will happen by itself any more. */
static enum x_outcome check_rest(struct explorer *x, const struct world *w)
{
	for (unsigned i = 0; i < x->o.nodes; i++) {
		if (w->node[i].dead)
			continue;
		if (!x_local_info(&x->l, w->node[i].local)->quiet)
			return x_bad(x, "deadlock: node %u waits, and nothing is under way", i);
		if (w->node[i].blocked)
			return x_bad(x, "lost wake-up: a thread of node %u waits for ever", i);
		if (w->node[i].atomic)
			return x_bad(x, "an atomic of node %u is never answered", i);
		if (w->node[i].secures)
			return x_bad(x, "node %u is never told that all is on two nodes", i);
		if (w->node[i].thread)
			return x_bad(x, "a discard of node %u is never answered", i);
		if (x->o.futex && x_futex_check_rest(x, w, i) == X_BAD)
			return X_BAD;
	}
	for (unsigned p = 0; p < x->o.pages; p++)
		if (check_directory(x, w, p) == X_BAD)
			return X_BAD;
	return X_DONE;
}

enum x_outcome x_check(struct explorer *x, const struct world *w)
{
	for (unsigned p = 0; p < x->o.pages; p++)
		if (check_windows(x, w, p) == X_BAD)
			return X_BAD;
	for (unsigned p = 0; p < x->o.pages && x->o.crashes; p++)
		if (check_refused(x, w, p) == X_BAD)
			return X_BAD;
	if (check_moves(x, w) == X_BAD)
		return X_BAD;
	if (x->o.sync && x_sync_check(x, w) == X_BAD)
		return X_BAD;
	if (!x_is_still(w, x->o.nodes))
		return X_DONE;
	return x->o.sync ? x_sync_check_rest(x, w) : check_rest(x, w);
}

/* --- goals: for every node and page, a write, an eviction, an atomic's end; last, rest --- */

enum { GOAL_WRITE, GOAL_EVICTED, GOAL_ATOMIC, GOAL_DISCARD, GOAL_FUTEX, GOAL_SECURED, GOAL_HOLDS, GOAL_IDLE };

static unsigned kinds(const struct x_options *o)
{
	return o->sync ? 2 : 1u + (o->evict > 0) + (o->atomics > 0) + (o->discards + o->renews > 0) +
	                       (o->futex > 0) + (o->secure > 0);
}

static unsigned kind_at(const struct x_options *o, unsigned k)
{
	if (o->sync)
		return GOAL_HOLDS + k;
	if (k >= GOAL_EVICTED && !o->evict)
		k++;
	if (k >= GOAL_ATOMIC && !o->atomics)
		k++;
	if (k >= GOAL_DISCARD && !o->discards && !o->renews)
		k++;
	if (k >= GOAL_FUTEX && !o->futex)
		k++;
	return k;
}

unsigned x_goal_count(const struct x_options *o)
{
	return kinds(o) * o->nodes * o->pages + 1;
}

static int is_reached(struct explorer *x, const struct world *w, unsigned kind, unsigned node,
                      unsigned page)
{
	if (w->node[node].dead)
		return 1;
	switch (kind) {
	case GOAL_WRITE:
		if (!x->o.faults)
			return 1;
		if (x->o.crashes && x_is_lost(x, w, node, page))
			return !(w->node[node].blocked >> page & 1);
		return x_access(w, node, page) == COH_WRITE && !(w->node[node].blocked >> page & 1);
	case GOAL_EVICTED:
		return x_local_info(&x->l, w->node[node].local)->page[page].cache_state == COH_C_I;
	case GOAL_DISCARD: return !w->node[node].thread;
	case GOAL_SECURED: return !w->node[node].secures;
	case GOAL_FUTEX: return !w->node[node].wait && !w->node[node].wake;
	case GOAL_HOLDS: return x->o.only == 3 || x_thread(w, node, 0) == X_THREAD_HOLDS;
	case GOAL_IDLE: return x_thread(w, node, 0) == X_THREAD_IDLE;
	default: return x_atomic(w, node, page) == X_ATOMIC_NONE;
	}
}

uint32_t x_goals(struct explorer *x, const struct world *w)
{
	unsigned bit = 0;
	uint32_t goals = 0;

	for (unsigned k = 0; k < kinds(&x->o); k++)
		for (unsigned i = 0; i < x->o.nodes; i++)
			for (unsigned p = 0; p < x->o.pages; p++, bit++)
				if (is_reached(x, w, kind_at(&x->o, k), i, p))
					goals |= UINT32_C(1) << bit;
	if (x_is_still(w, x->o.nodes))
		goals |= UINT32_C(1) << bit;
	return goals;
}

uint32_t x_goals_permute(const struct x_options *o, uint32_t goals, const coh_node *perm)
{
	unsigned all = o->nodes * o->pages, mask = (1u << o->pages) - 1;
	uint32_t out = goals & UINT32_C(1) << (x_goal_count(o) - 1);

	for (unsigned k = 0; k < kinds(o); k++)
		for (unsigned i = 0; i < o->nodes; i++)
			out |= (goals >> (k * all + i * o->pages) & mask)
			       << (k * all + perm[i] * o->pages);
	return out;
}

void x_goal_name(const struct x_options *o, unsigned goal, char *out, size_t len)
{
	static const char *const name[] = { "write", "give up", "finish an atomic on",
		                            "finish a discard or renewal, as well as",
		                            "have no thread that waits for a word or wakes, beside",
		                            "have on two nodes what it wrote, beside" };
	unsigned all = o->nodes * o->pages;

	if (goal == x_goal_count(o) - 1)
		snprintf(out, len, "come to rest unless somebody asks for more");
	else if (o->sync)
		snprintf(out, len, "have a thread of node %u %s", goal % all,
		         goal < all ? "hold the mutex" : "finish its call");
	else
		snprintf(out, len, "have node %u %s page %u", goal % all / o->pages,
		         name[kind_at(o, goal / all)], goal % o->pages);
}
