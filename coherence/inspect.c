/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking into the state, and renaming its nodes: for tests, tools and statistics. */
#include <stdlib.h>
#include <string.h>

#include "coherence/sharers.h"
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
	out->migratory = d->migratory;
	out->owner = d->state == COH_D_M ? d->owner : COH_NO_NODE;
	out->sharers_inexact = !coh_sharers_exact(c, d->sharers);
	out->n_sharers = coh_sharers_count(c, d->sharers);
	for (coh_node i = 0; i < c->cfg.nodes && c->cfg.nodes <= 64; i++)
		if (coh_sharers_has(c, d->sharers, i))
			out->sharers |= node_bit(i);
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

unsigned coh_cache_state_of(const struct coh *coh, uint64_t page)
{
	return line_at((struct coh *)coh, page)->state; /* only read */
}

int coh_is_sharer(const struct coh *coh, uint64_t page, coh_node node)
{
	struct coh *c = (struct coh *)coh; /* only read */

	return coh_home_of(&c->cfg, page) == c->cfg.self && node < c->cfg.nodes &&
	       coh_sharers_has(c, coh_dir_at(c, page)->sharers, node);
}

static uint32_t maps_used(const struct coh *coh)
{
	return coh->wide ? coh_wide_maps_used((struct coh *)coh) : 0; /* only read */
}

void coh_dir_info(const struct coh *coh, struct coh_dir_info *out)
{
	out->pages = coh->n_dirs;
	out->maps = maps_used(coh);
	out->bytes = out->pages * sizeof(struct dir) +
	             (uint64_t)out->maps * coh_map_words(&coh->cfg) * sizeof(uint64_t);
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
	return !c->barrier_here && !coh_map_count(&c->cfg, arrived_at(c));
}

/* --- renaming nodes --- */

/* Moves the rows of a table indexed by node; width bytes each. */
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
	for (uint64_t i = 0; i < c->n_dirs; i++) {
		struct dir *d = dir_by_index(c, i);
		if (d->state == COH_D_M || d->wrote)
			d->owner = perm[d->owner];
		if (c->wide)
			coh_wide_permute(c, &d->sharers, perm);
		else
			coh_map_permute(&c->cfg, &d->sharers, perm);
	}
	for (unsigned i = 0; i < c->n_txns; i++)
		if (txn_at(c, i)->type) {
			txn_at(c, i)->requestor = perm[txn_at(c, i)->requestor];
			if (c->wide)
				coh_map_permute(&c->cfg, pending_at(c, i), perm);
		}
	for (unsigned i = 0; i < c->cfg.locks; i++)
		if (object_at(c, i)->held)
			object_at(c, i)->holder = perm[object_at(c, i)->holder];
	for (unsigned i = 0; i < c->n_waiters; i++)
		if (waiter_at(c, i)->taken)
			waiter_at(c, i)->node = perm[waiter_at(c, i)->node];
	permute_rows(in_at(c, 0), sizeof(uint16_t), perm, c->cfg.nodes);
	permute_rows(waiting_at(c, 0), sizeof(uint16_t), perm, c->cfg.nodes);
	coh_map_permute(&c->cfg, arrived_at(c), perm);
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

/* --- renumbering transactions --- */

static void ref_swap(coh_ref *ref, unsigned i, unsigned k)
{
	if (*ref == i + 1)
		*ref = k + 1;
	else if (*ref == k + 1)
		*ref = i + 1;
}

static void txn_swap(struct coh *c, unsigned i, unsigned k)
{
	struct txn kept = *txn_at(c, i);

	*txn_at(c, i) = *txn_at(c, k);
	*txn_at(c, k) = kept;
	for (unsigned w = 0; c->wide && w < coh_map_words(&c->cfg); w++) {
		uint64_t word = pending_at(c, i)[w];
		pending_at(c, i)[w] = pending_at(c, k)[w];
		pending_at(c, k)[w] = word;
	}
	for (uint64_t d = 0; d < c->n_dirs; d++) {
		ref_swap(&dir_by_index(c, d)->txn, i, k);
		ref_swap(&dir_by_index(c, d)->queue, i, k);
	}
	for (unsigned t = 0; t < c->n_txns; t++)
		ref_swap(&txn_at(c, t)->next, i, k);
}

/* Makes next the number of the transaction that ref refers to, unless it has one of the
 * lower numbers already: the pages of a run share theirs. */
static void txn_place(struct coh *c, const coh_ref *ref, unsigned *next)
{
	if (!*ref || *ref <= *next)
		return;
	if (*ref != *next + 1)
		txn_swap(c, *ref - 1, *next);
	++*next;
}

void coh_renumber(struct coh *c)
{
	unsigned next = 0;

	for (uint64_t i = 0; i < c->n_dirs; i++) {
		struct dir *d = dir_by_index(c, i);
		txn_place(c, &d->txn, &next);
		for (coh_ref *ref = &d->queue; *ref; ref = &txn_at(c, *ref - 1)->next)
			txn_place(c, ref, &next);
	}
}
