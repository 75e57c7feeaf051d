/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of a job for a later one: when nothing is under way, and how it is put back. */
#include <errno.h>

#include "coherence/state.h"

int coh_has_requests(const struct coh *coh)
{
	struct coh *c = (struct coh *)coh; /* only read */

	for (unsigned i = 0; i < c->cfg.slots; i++)
		if (request_at(c, i)->type)
			return 1;
	return 0;
}

int coh_has_transactions(const struct coh *coh)
{
	struct coh *c = (struct coh *)coh; /* only read */

	for (unsigned i = 0; i < c->n_txns; i++)
		if (txn_at(c, i)->type)
			return 1;
	return 0;
}

void coh_keep_page(struct coh *coh, uint64_t page)
{
	coh_dir_at(coh, page)->touched = 1;
}

/* The number of this node's own object of that index. */
static uint32_t own(const struct coh *coh, uint32_t index)
{
	return coh->cfg.survive ? coh->cfg.self * coh->cfg.locks + index : index;
}

int coh_object_at(const struct coh *coh, uint32_t index, uint32_t *mutex)
{
	const struct object *o = object_at((struct coh *)coh, own(coh, index)); /* only read */

	*mutex = o->kind == OBJ_COND ? o->mutex % coh->cfg.locks : 0;
	return o->kind;
}

int coh_keep_object(struct coh *coh, uint32_t index, int kind, uint32_t mutex)
{
	if (index >= coh->cfg.locks || object_at(coh, own(coh, index))->kind ||
	    (kind != OBJ_MUTEX && kind != OBJ_COND))
		return -EINVAL;
	if (kind == OBJ_COND) {
		if (mutex >= coh->cfg.locks || object_at(coh, own(coh, mutex))->kind != OBJ_MUTEX)
			return -EINVAL;
		object_at(coh, own(coh, mutex))->conds++;
	}
	*object_at(coh, own(coh, index)) =
		(struct object){.kind = (uint8_t)kind,
	                        .mutex = kind == OBJ_COND ? own(coh, mutex) : 0};
	return 0;
}
