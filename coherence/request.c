/* SPDX-License-Identifier: BSD-2-Clause */
/* The slots of the cache's requests. */
#include "coherence/state.h"

int coh_request_free(struct coh *c, coh_node home)
{
	if (*out_at(c, home) >= c->cfg.per_home)
		return -1;
	for (unsigned i = 0; i < c->cfg.slots; i++)
		if (!request_at(c, i)->type)
			return (int)i;
	return -1;
}

int coh_request_free_atomic(struct coh *c, coh_node home)
{
	if (*out_at(c, home) >= c->cfg.per_home)
		return -1;
	for (unsigned i = c->cfg.slots; i-- > 0;)
		if (!request_at(c, i)->type)
			return (int)i;
	return -1;
}

void coh_request_release(struct coh *c, unsigned slot)
{
	struct request *r = request_at(c, slot);

	--*out_at(c, r->home);
	*r = (struct request){0};
}

struct request *coh_request_check(struct coh *c, unsigned slot, unsigned type, uint64_t page)
{
	struct request *r;

	if (slot >= c->cfg.slots)
		return NULL;
	r = request_at(c, slot);
	return r->type == type && r->page == page ? r : NULL;
}
