/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer to an atomic on this node's frame: from the home, or from the cache that owns it. */
#include "coherence/state.h"

void coh_answer_atomic(struct coh *c, struct coh_effects *fx, coh_node requestor, uint16_t slot,
                       uint64_t page, const struct coh_atomic *atomic)
{
	struct coh_effect *e = coh_fx_add(fx, COH_FX_ATOMIC, page);

	e->node = requestor;
	e->slot = slot;
	e->atomic = *atomic;
	fx->count[COH_N_ATOMIC]++;
	if (requestor == c->cfg.self) {
		e->cookie = request_at(c, slot)->cookie;
		coh_request_release(c, slot);
	}
}
