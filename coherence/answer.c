/* SPDX-License-Identifier: BSD-2-Clause */
/* Atomics and comparisons on this node's frame: for the home, or for the cache that owns it. */
#include "coherence/state.h"

void coh_answer_atomic(struct coh *c, struct coh_effects *fx, coh_node requestor, uint16_t slot,
                       uint64_t page, const struct coh_atomic *atomic, uint32_t serial)
{
	struct coh_effect *e = coh_fx_add(fx, COH_FX_ATOMIC, page);

	e->node = requestor;
	e->slot = slot;
	e->atomic = *atomic;
	fx->count[COH_N_ATOMIC]++;
	if (requestor == c->cfg.self) {
		e->cookie = request_at(c, slot)->cookie;
		coh_request_release(c, slot);
	} else {
		coh_view_ran(c, page, requestor, serial);
	}
}

void coh_answer_compare(struct coh *c, struct coh_effects *fx, uint64_t page,
                        const struct coh_futex *futex)
{
	struct coh_effect *e = coh_fx_add(fx, COH_FX_COMPARE, page);

	e->node = coh_home(c, page);
	e->futex = *futex;
}
