/* SPDX-License-Identifier: BSD-2-Clause */
/* The same state under other names: of its nodes, of its transactions. For tests. */
#include "coherence/secure.h"
#include "coherence/sharers.h"

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

static uint32_t sleeper_renamed(const struct coh *c, uint32_t ref, const coh_node *perm)
{
	uint32_t slots = c->cfg.futex_slots;

	return ref ? perm[(ref - 1) / slots] * slots + (ref - 1) % slots + 1 : 0;
}

static void permute_sleepers(struct coh *c, const coh_node *perm)
{
	for (uint32_t i = 0; i < c->n_sleepers; i++) {
		struct sleeper *s = sleeper_at(c, i);
		s->next = sleeper_renamed(c, s->next, perm);
		s->prev = sleeper_renamed(c, s->prev, perm);
	}
	for (unsigned i = 0; i < c->n_queues; i++) {
		queue_at(c, i)->first = sleeper_renamed(c, queue_at(c, i)->first, perm);
		queue_at(c, i)->last = sleeper_renamed(c, queue_at(c, i)->last, perm);
	}
	permute_rows(sleeper_at(c, 0), c->cfg.futex_slots * sizeof(struct sleeper), perm,
	             c->cfg.nodes);
}

/* Where nodes may die their numbers tell whose they were. */
static uint32_t object_renamed(const struct coh *c, uint32_t number, const coh_node *perm)
{
	if (!c->cfg.survive)
		return number;
	return perm[number / c->cfg.locks] * c->cfg.locks + number % c->cfg.locks;
}

static void permute_objects(struct coh *c, const coh_node *perm)
{
	for (unsigned i = 0; i < coh_objects(&c->cfg); i++) {
		struct object *o = object_at(c, i);
		if (o->held || (o->kind == OBJ_COND && o->thread))
			o->holder = perm[o->holder];
		if (o->kind == OBJ_COND)
			o->mutex = object_renamed(c, o->mutex, perm);
	}
	if (c->cfg.survive)
		permute_rows(object_at(c, 0), c->cfg.locks * sizeof(struct object), perm,
		             c->cfg.nodes);
}

static void permute_home_side(struct coh *c, const coh_node *perm)
{
	for (uint64_t i = 0; i < c->n_dirs; i++) {
		struct dir *d = dir_by_index(c, i);
		if (d->state == COH_D_M || d->state == COH_D_AWAY || d->state == COH_D_HELD || d->wrote)
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
			else if (txn_at(c, i)->type == COH_MSG_DISCARD)
				coh_map_permute(&c->cfg, &txn_at(c, i)->drop.pending, perm);
		}
	permute_objects(c, perm);
	for (unsigned i = 0; i < c->n_waiters; i++)
		if (waiter_at(c, i)->taken)
			waiter_at(c, i)->node = perm[waiter_at(c, i)->node];
	permute_sleepers(c, perm);
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
		if (sync_at(c, i)->type) {
			struct sync_slot *s = sync_at(c, i);
			s->home = perm[s->home];
			s->object = object_renamed(c, s->object, perm);
		}
	permute_rows(out_at(c, 0), sizeof(uint16_t), perm, c->cfg.nodes);
	permute_rows(held_at(c, 0, 0), c->cfg.locks * sizeof(uint32_t), perm, c->cfg.nodes);
	permute_home_side(c, perm);
	coh_view_permute(c, perm);
	coh_secure_permute(c, perm);
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

	c->view.serial = c->view.number;
	for (uint64_t i = 0; i < c->n_dirs; i++) {
		struct dir *d = dir_by_index(c, i);
		txn_place(c, &d->txn, &next);
		for (coh_ref *ref = &d->queue; *ref; ref = &txn_at(c, *ref - 1)->next)
			txn_place(c, ref, &next);
	}
}
