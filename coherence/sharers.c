/* SPDX-License-Identifier: BSD-2-Clause */
/* Wide sets of sharers: node numbers, maps of a bounded pool, coarse maps. */
#include "coherence/sharers.h"

#define KIND_SHIFT 60
#define KIND_POOL UINT64_C(14)
#define KIND_COARSE UINT64_C(15)
#define POINTER_BITS 10

_Static_assert(COH_MAX_NODES <= 1 << POINTER_BITS, "a node number has ten bits");
_Static_assert(SHARERS_POINTERS *POINTER_BITS <= KIND_SHIFT, "pointers fit");
_Static_assert(SHARERS_GROUPS <= KIND_SHIFT, "groups fit");

int coh_sharers_wide(const struct coh_config *config)
{
	return config->nodes > 64 || config->sharer_pointers;
}

unsigned coh_sharers_pointers(const struct coh_config *config)
{
	return config->sharer_pointers ? config->sharer_pointers : SHARERS_POINTERS;
}

unsigned coh_sharers_group(const struct coh_config *config)
{
	if (config->sharer_group)
		return config->sharer_group;
	return (config->nodes + SHARERS_GROUPS - 1) / SHARERS_GROUPS;
}

unsigned coh_map_count(const struct coh_config *config, const uint64_t *map)
{
	unsigned n = 0;

	for (unsigned i = 0; i < coh_map_words(config); i++)
		n += __builtin_popcountll(map[i]);
	return n;
}

/* --- node numbers --- */

static unsigned kind(uint64_t set)
{
	return set >> KIND_SHIFT;
}

static unsigned pointer(uint64_t set, unsigned i)
{
	return set >> (i * POINTER_BITS) & ((1u << POINTER_BITS) - 1);
}

static uint64_t from_pointers(const coh_node *node, unsigned n)
{
	uint64_t set = (uint64_t)n << KIND_SHIFT;

	for (unsigned i = 0; i < n; i++)
		set |= (uint64_t)node[i] << (i * POINTER_BITS);
	return set;
}

/* The members below node, node itself if with is set, and those above. */
static uint64_t pointers_edit(uint64_t set, coh_node node, int with)
{
	coh_node out[SHARERS_POINTERS + 1];
	unsigned n = 0, i = 0, count = kind(set);

	for (; i < count && pointer(set, i) < node; i++)
		out[n++] = pointer(set, i);
	if (with)
		out[n++] = node;
	for (; i < count; i++)
		if (pointer(set, i) != node)
			out[n++] = pointer(set, i);
	return from_pointers(out, n);
}

/* --- the pool --- */

static uint64_t *map_at(struct coh *c, uint32_t i)
{
	return &COH_TABLE(c, uint64_t, off_map)[(uint64_t)i * coh_map_words(&c->cfg)];
}

static uint64_t *set_map(struct coh *c, uint64_t set)
{
	return map_at(c, (uint32_t)set);
}

/* One bit a map that is taken; the bits behind the last map count as taken. */
static int all_taken(struct coh *c, uint32_t word)
{
	uint64_t taken = COH_TABLE(c, uint64_t, off_map_taken)[word];
	uint32_t left = c->cfg.sharer_maps - word * 64;

	return left < 64 ? taken == (UINT64_C(1) << left) - 1 : taken == ~UINT64_C(0);
}

/* The lowest free map, or -1. c->map_word is the lowest word that is not all taken. */
static int64_t map_take(struct coh *c)
{
	uint32_t words = (c->cfg.sharer_maps + 63) / 64, word = c->map_word;
	uint64_t *taken = &COH_TABLE(c, uint64_t, off_map_taken)[word];
	unsigned bit;

	if (word >= words)
		return -1;
	bit = __builtin_ctzll(~*taken);
	*taken |= UINT64_C(1) << bit;
	while (c->map_word < words && all_taken(c, c->map_word))
		c->map_word++;
	return (int64_t)word * 64 + bit;
}

static void map_release(struct coh *c, uint32_t i)
{
	uint64_t *map = map_at(c, i);

	for (unsigned k = 0; k < coh_map_words(&c->cfg); k++)
		map[k] = 0;
	COH_TABLE(c, uint64_t, off_map_taken)[i / 64] &= ~(UINT64_C(1) << (i % 64));
	if (i / 64 < c->map_word)
		c->map_word = i / 64;
}

uint32_t coh_wide_maps_used(struct coh *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < (c->cfg.sharer_maps + 63) / 64; i++)
		n += __builtin_popcountll(COH_TABLE(c, uint64_t, off_map_taken)[i]);
	return n;
}

/* --- coarse sets --- */

static uint64_t group_bit(const struct coh *c, coh_node node)
{
	return UINT64_C(1) << (node / coh_sharers_group(&c->cfg));
}

static void make_coarse(struct coh *c, uint64_t *set)
{
	uint64_t out = KIND_COARSE << KIND_SHIFT;

	for (unsigned i = 0; i < kind(*set); i++)
		out |= group_bit(c, pointer(*set, i));
	*set = out;
}

/* --- sets --- */

int coh_wide_exact(uint64_t set)
{
	return kind(set) != KIND_COARSE;
}

int coh_wide_has(struct coh *c, uint64_t set, coh_node node)
{
	if (kind(set) == KIND_COARSE)
		return !!(set & group_bit(c, node));
	if (kind(set) == KIND_POOL)
		return coh_map_has(set_map(c, set), node);
	for (unsigned i = 0; i < kind(set); i++)
		if (pointer(set, i) == node)
			return 1;
	return 0;
}

static coh_node map_next(const struct coh *c, const uint64_t *map, unsigned from)
{
	for (unsigned k = from / 64; k < coh_map_words(&c->cfg); k++) {
		uint64_t word = k == from / 64 ? map[k] >> (from % 64) << (from % 64) : map[k];
		if (word)
			return k * 64 + __builtin_ctzll(word);
	}
	return COH_NO_NODE;
}

static coh_node coarse_next(const struct coh *c, uint64_t set, unsigned from)
{
	unsigned group = coh_sharers_group(&c->cfg), first = from / group;
	uint64_t bits = set << (64 - KIND_SHIFT) >> (64 - KIND_SHIFT) >> first << first;
	unsigned at;

	if (!bits)
		return COH_NO_NODE;
	at = __builtin_ctzll(bits) * group;
	if (at < from)
		at = from;
	return at < c->cfg.nodes ? at : COH_NO_NODE; /* the last group may be short */
}

coh_node coh_wide_next(struct coh *c, uint64_t set, unsigned from)
{
	if (from >= c->cfg.nodes)
		return COH_NO_NODE;
	if (kind(set) == KIND_COARSE)
		return coarse_next(c, set, from);
	if (kind(set) == KIND_POOL)
		return map_next(c, set_map(c, set), from);
	for (unsigned i = 0; i < kind(set); i++)
		if (pointer(set, i) >= from)
			return pointer(set, i);
	return COH_NO_NODE;
}

unsigned coh_wide_count(struct coh *c, uint64_t set)
{
	unsigned n = 0;

	if (kind(set) == KIND_POOL)
		return coh_map_count(&c->cfg, set_map(c, set));
	if (kind(set) != KIND_COARSE)
		return kind(set);
	for (unsigned i = coh_wide_next(c, set, 0); i != COH_NO_NODE;
	     i = coh_wide_next(c, set, i + 1))
		n++;
	return n;
}

void coh_wide_add(struct coh *c, uint64_t *set, coh_node node, struct coh_effects *fx)
{
	if (coh_wide_has(c, *set, node))
		return;
	if (kind(*set) < coh_sharers_pointers(&c->cfg)) {
		*set = pointers_edit(*set, node, 1);
		return;
	}
	if (kind(*set) <= SHARERS_POINTERS) {
		int64_t i = map_take(c);
		if (i < 0) {
			make_coarse(c, set);
			fx->count[COH_N_COARSE]++;
		} else {
			for (unsigned k = 0; k < kind(*set); k++)
				coh_map_add(map_at(c, i), pointer(*set, k));
			*set = KIND_POOL << KIND_SHIFT | (uint64_t)i;
		}
	}
	if (kind(*set) == KIND_POOL)
		coh_map_add(set_map(c, *set), node);
	else
		*set |= group_bit(c, node);
}

/* Back to numbers, of which there is room for twice as many by then. */
static void shrink(struct coh *c, uint64_t *set)
{
	uint64_t *map = set_map(c, *set);
	coh_node out[SHARERS_POINTERS];
	uint32_t index = (uint32_t)*set;
	unsigned n = 0;

	if (coh_map_count(&c->cfg, map) > coh_sharers_pointers(&c->cfg) / 2)
		return;
	for (coh_node i = map_next(c, map, 0); i != COH_NO_NODE; i = map_next(c, map, i + 1u))
		out[n++] = i;
	*set = from_pointers(out, n);
	map_release(c, index);
}

void coh_wide_remove(struct coh *c, uint64_t *set, coh_node node)
{
	if (kind(*set) == KIND_COARSE)
		return;
	if (kind(*set) == KIND_POOL) {
		coh_map_remove(set_map(c, *set), node);
		shrink(c, set);
		return;
	}
	*set = pointers_edit(*set, node, 0);
}

void coh_wide_clear(struct coh *c, uint64_t *set)
{
	if (kind(*set) == KIND_POOL)
		map_release(c, (uint32_t)*set);
	*set = 0;
}

/* --- renaming nodes --- */

static void pointers_permute(uint64_t *set, const coh_node *perm)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < kind(*set); i++)
		out = pointers_edit(out, perm[pointer(*set, i)], 1);
	*set = out;
}

void coh_map_permute(const struct coh_config *config, uint64_t *map, const coh_node *perm)
{
	uint64_t out[COH_MAX_NODES / 64] = { 0 };

	for (coh_node i = 0; i < config->nodes; i++)
		if (coh_map_has(map, i))
			coh_map_add(out, perm[i]);
	for (unsigned k = 0; k < coh_map_words(config); k++)
		map[k] = out[k];
}

void coh_wide_permute(struct coh *c, uint64_t *set, const coh_node *perm)
{
	unsigned group = coh_sharers_group(&c->cfg);
	uint64_t out = KIND_COARSE << KIND_SHIFT;

	if (kind(*set) == KIND_POOL) {
		coh_map_permute(&c->cfg, set_map(c, *set), perm);
	} else if (kind(*set) == KIND_COARSE) {
		for (unsigned g = 0; g * group < c->cfg.nodes; g++)
			if (*set >> g & 1)
				out |= group_bit(c, perm[g * group]);
		*set = out;
	} else {
		pointers_permute(set, perm);
	}
}
