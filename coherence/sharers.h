/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of sharers in a directory entry, in 8 bytes.
 *
 * Narrow (jobs of at most 64 nodes): one bit a node.
 *
 * Wide: four bits say what the other sixty are.
 *      0..6   that many node numbers of ten bits, ascending        exact
 *      POOL   the index of a map, one bit a node, in a pool         exact
 *      COARSE one bit for every group of neighbouring nodes         a superset
 * A set starts with numbers, moves to the pool when it has outgrown them, back when it
 * has shrunk to half of them, and becomes coarse when the pool is full; it is exact
 * again when it is cleared. Who has only a superset must not conclude from it that a
 * node has a copy: coh_sharers_exact() comes first.
 *
 * All zero is the empty set in every form. Equal histories make equal bits, and what
 * is free in the pool is zero, so that states can be compared.
 */
#ifndef COH_SHARERS_H
#define COH_SHARERS_H

#include "coherence/state.h"

#define SHARERS_POINTERS 6
#define SHARERS_GROUPS 60

/* --- how a job keeps its sets, from its configuration --- */
int coh_sharers_wide(const struct coh_config *config);
unsigned coh_sharers_pointers(const struct coh_config *config);
/* Nodes that share a bit of a coarse set. */
unsigned coh_sharers_group(const struct coh_config *config);
static inline unsigned coh_map_words(const struct coh_config *config)
{
	return (config->nodes + 63u) / 64;
}

/* --- maps of one bit a node: coh_map_words() words --- */
static inline int coh_map_has(const uint64_t *map, coh_node node)
{
	return map[node / 64] >> (node % 64) & 1;
}
static inline void coh_map_add(uint64_t *map, coh_node node)
{
	map[node / 64] |= UINT64_C(1) << (node % 64);
}
static inline void coh_map_remove(uint64_t *map, coh_node node)
{
	map[node / 64] &= ~(UINT64_C(1) << (node % 64));
}
unsigned coh_map_count(const struct coh_config *config, const uint64_t *map);
void coh_map_permute(const struct coh_config *config, uint64_t *map, const coh_node *perm);

/* Who has still to ack an Inv of a transaction, when sets are wide: always exact. */
static inline uint64_t *pending_at(struct coh *c, unsigned txn)
{
	return &COH_TABLE(c, uint64_t, off_pending)[(uint64_t)txn * coh_map_words(&c->cfg)];
}

/* --- wide sets; coh_sharers_*() below call these --- */
int coh_wide_has(struct coh *c, uint64_t set, coh_node node);
void coh_wide_add(struct coh *c, uint64_t *set, coh_node node, struct coh_effects *fx);
void coh_wide_remove(struct coh *c, uint64_t *set, coh_node node);
void coh_wide_clear(struct coh *c, uint64_t *set);
int coh_wide_exact(uint64_t set);
coh_node coh_wide_next(struct coh *c, uint64_t set, unsigned from);
unsigned coh_wide_count(struct coh *c, uint64_t set);
void coh_wide_permute(struct coh *c, uint64_t *set, const coh_node *perm);
/* Pool maps in use. */
uint32_t coh_wide_maps_used(struct coh *c);

/* --- either form --- */

/* Whether node is in the set; of a coarse set: may be. */
static inline int coh_sharers_has(struct coh *c, uint64_t set, coh_node node)
{
	return c->wide ? coh_wide_has(c, set, node) : (int)(set >> node & 1);
}

/* The lowest member from `from` on, or COH_NO_NODE. */
static inline coh_node coh_sharers_next(struct coh *c, uint64_t set, unsigned from)
{
	if (c->wide)
		return coh_wide_next(c, set, from);
	set = from < 64 ? set >> from : 0;
	return set ? (coh_node)(from + __builtin_ctzll(set)) : COH_NO_NODE;
}

static inline unsigned coh_sharers_count(struct coh *c, uint64_t set)
{
	return c->wide ? coh_wide_count(c, set) : (unsigned)__builtin_popcountll(set);
}

static inline int coh_sharers_exact(const struct coh *c, uint64_t set)
{
	return !c->wide || coh_wide_exact(set);
}

/* fx counts the sets that become coarse. */
static inline void coh_sharers_add(struct coh *c, uint64_t *set, coh_node node,
                                   struct coh_effects *fx)
{
	if (c->wide)
		coh_wide_add(c, set, node, fx);
	else
		*set |= node_bit(node);
}

/* Leaves a coarse set as it is: others may stand behind the same bit. */
static inline void coh_sharers_remove(struct coh *c, uint64_t *set, coh_node node)
{
	if (c->wide)
		coh_wide_remove(c, set, node);
	else
		*set &= ~node_bit(node);
}

static inline void coh_sharers_clear(struct coh *c, uint64_t *set)
{
	if (c->wide)
		coh_wide_clear(c, set);
	*set = 0;
}

#endif
