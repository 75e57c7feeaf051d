/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes that are no page's home may swap names. Each gets a key that does not depend
 * on names; the representative has them in the order of their keys, and among worlds
 * that differ in nodes with equal keys it is the one that packs to the least bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"

static uint64_t message_key(const struct explorer *x, uint64_t msg, unsigned node,
                            uint64_t free_nodes)
{
	unsigned from = (unsigned)x_get(msg, M_FROM), to = (unsigned)x_get(msg, M_TO);
	unsigned requestor = (unsigned)x_get(msg, M_REQUESTOR), other = from == node ? to : from;
	uint64_t key;

	(void)x;
	if (from != node && to != node && requestor != node)
		return 0;
	key = x_put(x_put(x_put(msg, M_FROM, 0), M_TO, 0), M_REQUESTOR, 0);
	key = x_put(key, M_FROM, from == node ? 1 : to == node ? 2 : 3);
	if (!(free_nodes >> other & 1))
		key = x_put(key, M_TO, other + 1);
	return x_mix(key * 2 + (requestor == node));
}

static uint64_t move_key(uint64_t move, unsigned node)
{
	unsigned from = (unsigned)x_get(move, V_FROM), to = (unsigned)x_get(move, V_TO);

	if (from != node && to != node)
		return 0;
	return x_mix(x_put(x_put(move, V_FROM, from == node), V_TO, to == node) + 1);
}

static uint64_t node_key(struct explorer *x, const struct world *w, unsigned node,
                         uint64_t free_nodes)
{
	struct x_node n = w->node[node];
	uint64_t key, sum = 0;

	n.local = 0;
	n.gave[0] = n.gave[1] = 0; /* has names */
	n.todo = n.todo != 0;
	key = x_hash(&n, sizeof n) ^
	      x_mix(x_local_role(&x->l, w->node[node].local, (coh_node)node));
	for (unsigned h = 0; h < x->o.nodes; h++)
		if (!(free_nodes >> h & 1))
			key = x_mix(key ^ x_local_role(&x->l, w->node[h].local, (coh_node)node));
	for (unsigned i = 0; i < w->n_msgs; i++)
		sum += message_key(x, w->msg[i], node, free_nodes);
	for (unsigned i = 0; i < w->n_moves; i++)
		sum += move_key(w->move[i], node);
	return x_mix(key ^ sum);
}

/* The keys are in order after this permutation. */
static int is_sorted(const struct explorer *x, const coh_node *perm, const uint64_t *key,
                     uint64_t free_nodes)
{
	uint64_t at[X_NODES], last = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		at[perm[i]] = key[i];
	for (unsigned i = 0; i < x->o.nodes; i++) {
		if (!(free_nodes >> i & 1))
			continue;
		if (at[i] < last)
			return 0;
		last = at[i];
	}
	return 1;
}

static uint64_t free_nodes_of(const struct explorer *x)
{
	uint64_t nodes = (UINT64_C(1) << x->o.nodes) - 1;

	for (unsigned p = 0; p < x->o.pages; p++)
		for (unsigned c = 0; c <= x->o.crashes + (x->o.secure > 0); c++) /* who is home when that one is dead */
			nodes &= ~(UINT64_C(1) << (coh_home_of(&x->l.cfg, p) + c) % x->o.nodes);
	return nodes;
}

static void add_perms(struct explorer *x, coh_node *perm, unsigned at, uint64_t used,
                      uint64_t free_nodes)
{
	if (at == x->o.nodes) {
		memcpy(x->l.perm[x->l.n_perms++], perm, sizeof *x->l.perm);
		return;
	}
	for (coh_node to = 0; to < x->o.nodes; to++) {
		if (used >> to & 1 || (to != at && !(free_nodes >> at & free_nodes >> to & 1)))
			continue;
		perm[at] = to;
		add_perms(x, perm, at + 1, used | UINT64_C(1) << to, free_nodes);
	}
}

void x_perms_make(struct explorer *x)
{
	coh_node perm[X_NODES] = { 0 };
	/* A bit that stands for some nodes, but not for all, keeps them together. */
	int grouped = x->o.pointers && x->o.group > 1 && x->o.group < x->o.nodes;

	x->l.perm = calloc(X_PERMS, sizeof *x->l.perm);
	add_perms(x, perm, 0, 0, x->o.symmetry && !grouped ? free_nodes_of(x) : 0);
}

unsigned x_canonical(struct explorer *x, const struct world *w, struct world *out)
{
	uint64_t key[X_NODES] = { 0 }, free_nodes = free_nodes_of(x);
	uint8_t least[X_BYTES_MAX], bytes[X_BYTES_MAX];
	struct world other;
	unsigned best = 0, len = 0;
	int found = 0;

	if (x->l.n_perms == 1) {
		*out = *w;
		return 0;
	}
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (free_nodes >> i & 1)
			key[i] = node_key(x, w, i, free_nodes);
	for (unsigned g = 0; g < x->l.n_perms; g++) {
		if (!is_sorted(x, x->l.perm[g], key, free_nodes))
			continue;
		x_world_permute(x, w, g, &other);
		len = x_world_pack(x, &other, bytes);
		if (found && memcmp(bytes, least, len) >= 0)
			continue;
		found = 1;
		best = g;
		memcpy(least, bytes, len);
		*out = other;
	}
	return best;
}
