/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No livelock: from every state, every goal (check.c) can still be reached (AG EF); and
 * rest, where every request is answered and nobody waits, without anyone asking for more.
 * In a finite graph that makes a goal certain as soon as the choice of events is
 * strongly fair: an event that is possible again and again happens at last.
 *
 * Goals name nodes, and stored states stand for all their renamings, so a goal set
 * moves along an edge through the permutation that made the successor canonical.
 */
#include "tests/explore/explore.h"

static uint32_t all_goals(const struct x_options *o)
{
	unsigned n = x_goal_count(o);

	return n == 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

/* What can be reached through this edge, in the names of the state it leaves. */
static uint32_t through(struct explorer *x, const struct x_graph *g, uint64_t edge,
                        const coh_node (*inverse)[X_NODES])
{
	uint32_t goals = g->goals[g->to[edge]];
	unsigned perm = g->perm[edge] & (unsigned)~X_ASKED;

	if (x->o.crashes && (perm & X_CRASHED))
		return 0; /* nobody has to die for it */
	if (g->perm[edge] & X_ASKED)
		goals &= ~(UINT32_C(1) << (x_goal_count(&x->o) - 1));
	return perm ? x_goals_permute(&x->o, goals, inverse[perm]) : goals;
}

int64_t x_live_check(struct explorer *x, struct x_graph *g, uint64_t states, uint32_t *missing)
{
	uint32_t all = all_goals(&x->o);
	coh_node inverse[X_PERMS][X_NODES];
	int changed;

	for (unsigned k = 0; k < x->l.n_perms; k++)
		for (coh_node i = 0; i < x->o.nodes; i++)
			inverse[k][x->l.perm[k][i]] = i;
	do {
		changed = 0;
		for (uint64_t s = states; s-- > 0;) {
			uint32_t before = g->goals[s], goals = before;
			for (uint64_t e = g->first[s]; e < g->first[s + 1] && goals != all; e++)
				goals |= through(x, g, e, (const coh_node(*)[X_NODES])inverse);
			g->goals[s] = goals;
			changed |= goals != before;
		}
	} while (changed);
	for (uint64_t s = 0; s < states; s++)
		if (g->goals[s] != all) {
			*missing = all & ~g->goals[s];
			return (int64_t)s;
		}
	return -1;
}
