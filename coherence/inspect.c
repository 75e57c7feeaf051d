/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking into the state, and renaming its nodes: for tests, tools and statistics. */
#include <stdlib.h>
#include <string.h>

#include "coherence/state.h"

enum coh_access coh_access_of(enum coh_cache_state state)
{
	switch (state) {
	case COH_C_S:
	case COH_C_SM_A: return COH_READ;
	case COH_C_M:
	case COH_C_MI_A: return COH_WRITE;
	default: return COH_NONE;
	}
}

static void dir_info(struct coh *c, uint64_t page, struct coh_page_info *out)
{
	struct dir *d = coh_dir_at(c, page);

	out->is_home = 1;
	out->dir_stable = d->state;
	out->dir_state = d->txn ? txn_at(c, d->txn - 1)->phase : d->state;
	out->requestor = d->txn ? txn_at(c, d->txn - 1)->requestor : COH_NO_NODE;
	out->request = d->txn ? txn_at(c, d->txn - 1)->type : COH_MSG_NONE;
	out->touched = d->touched;
	out->owner = d->state == COH_D_M ? d->owner : COH_NO_NODE;
	out->sharers = d->sharers;
	out->n_sharers = __builtin_popcountll(d->sharers);
	for (coh_ref q = d->queue; q && out->queued < 255; q = txn_at(c, q - 1)->next)
		out->queued++;
}

void coh_page_info(const struct coh *coh, uint64_t page, struct coh_page_info *out)
{
	struct coh *c = (struct coh *)coh; /* only read */
	struct line *line = line_at(c, page);

	*out = (struct coh_page_info){.cache_state = line->state,
	                              .faulted = line->faulted,
	                              .owner = COH_NO_NODE,
	                              .requestor = COH_NO_NODE};
	if (line->hold) {
		out->held = 1;
		out->deferred = hold_at(c, line->hold - 1)->deferred;
	}
	if (coh_home_of(&c->cfg, page) == c->cfg.self)
		dir_info(c, page, out);
}

int coh_is_sharer(const struct coh *coh, uint64_t page, coh_node node)
{
	struct coh *c = (struct coh *)coh; /* only read */

	return coh_home_of(&c->cfg, page) == c->cfg.self && node < c->cfg.nodes &&
	       (coh_dir_at(c, page)->sharers & node_bit(node));
}

static uint64_t dir_entries(const struct coh *c)
{
	return (c->size - c->off_dir) / sizeof(struct dir);
}

void coh_dir_info(const struct coh *coh, struct coh_dir_info *out)
{
	out->pages = dir_entries(coh);
	out->bytes = out->pages * sizeof(struct dir);
}

int coh_is_quiet(const struct coh *coh)
{
	struct coh *c = (struct coh *)coh; /* only read */

	for (unsigned i = 0; i < c->cfg.slots; i++)
		if (request_at(c, i)->type)
			return 0;
	for (unsigned i = 0; i < c->cfg.holds; i++)
		if (hold_at(c, i)->taken)
			return 0;
	for (unsigned i = 0; i < c->n_txns; i++)
		if (txn_at(c, i)->type)
			return 0;
	for (unsigned i = 0; i < c->cfg.sync_slots; i++)
		if (sync_at(c, i)->type)
			return 0;
	for (unsigned i = 0; i < c->n_waiters; i++)
		if (waiter_at(c, i)->taken)
			return 0;
	return !c->barrier_here && !c->barrier_arrived;
}

/* --- renaming nodes --- */

static uint64_t permute_map(uint64_t map, const coh_node *perm, coh_node nodes)
{
	uint64_t out = 0;

	for (coh_node i = 0; i < nodes; i++)
		if (map & node_bit(i))
			out |= node_bit(perm[i]);
	return out;
}

/* Moves the rows of a table indexed by node; width bytes each, at most 64 rows. */
static void permute_rows(void *table, size_t width, const coh_node *perm, coh_node nodes)
{
	char *row = table;
	char kept[COH_MAX_NODES];

	for (size_t byte = 0; byte < width; byte++) {
		for (coh_node i = 0; i < nodes; i++)
			kept[i] = row[i * width + byte];
		for (coh_node i = 0; i < nodes; i++)
			row[perm[i] * width + byte] = kept[i];
	}
}

static void permute_home_side(struct coh *c, const coh_node *perm)
{
	for (uint64_t i = 0, n = dir_entries(c); i < n; i++) {
		struct dir *d = &COH_TABLE(c, struct dir, off_dir)[i];
		if (d->state == COH_D_M)
			d->owner = perm[d->owner];
		d->sharers = permute_map(d->sharers, perm, c->cfg.nodes);
	}
	for (unsigned i = 0; i < c->n_txns; i++)
		if (txn_at(c, i)->type)
			txn_at(c, i)->requestor = perm[txn_at(c, i)->requestor];
	for (unsigned i = 0; i < c->cfg.locks; i++)
		if (object_at(c, i)->held)
			object_at(c, i)->holder = perm[object_at(c, i)->holder];
	for (unsigned i = 0; i < c->n_waiters; i++)
		if (waiter_at(c, i)->taken)
			waiter_at(c, i)->node = perm[waiter_at(c, i)->node];
	c->barrier_arrived = permute_map(c->barrier_arrived, perm, c->cfg.nodes);
}

void coh_permute(struct coh *c, const coh_node *perm)
{
	for (unsigned i = 0; i < c->cfg.slots; i++)
		if (request_at(c, i)->type)
			request_at(c, i)->home = perm[request_at(c, i)->home];
	for (unsigned i = 0; i < c->cfg.holds; i++)
		if (hold_at(c, i)->deferred)
			hold_at(c, i)->requestor = perm[hold_at(c, i)->requestor];
	for (unsigned i = 0; i < c->cfg.sync_slots; i++)
		if (sync_at(c, i)->type)
			sync_at(c, i)->home = perm[sync_at(c, i)->home];
	permute_rows(out_at(c, 0), sizeof(uint16_t), perm, c->cfg.nodes);
	permute_rows(held_at(c, 0, 0), c->cfg.locks * sizeof(uint32_t), perm, c->cfg.nodes);
	permute_home_side(c, perm);
	c->cfg.self = perm[c->cfg.self];
}
