/* SPDX-License-Identifier: BSD-2-Clause */
/* The barrier: node 0 counts who has arrived, and releases all. */
#include <errno.h>
#include <string.h>

#include "coherence/sharers.h"
#include "coherence/sync/sync.h"

int coh_barrier_enter(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (c->cfg.survive)
		return -EINVAL;
	if (c->barrier_here)
		return -EBUSY;
	c->barrier_here = 1;
	c->barrier_cookie = ev->cookie;
	coh_fx_send(c, fx, 0, COH_MSG_BARRIER_ARRIVE, 0);
	return 0;
}

int coh_barrier_home(struct coh *c, coh_node from, struct coh_effects *fx)
{
	uint64_t *arrived = arrived_at(c);

	if (c->cfg.self != 0 || coh_map_has(arrived, from))
		return -EPROTO;
	coh_map_add(arrived, from);
	if (coh_map_count(&c->cfg, arrived) < c->cfg.nodes)
		return 0;
	memset(arrived, 0, coh_map_words(&c->cfg) * sizeof *arrived);
	fx->count[COH_N_BARRIER]++;
	/* Remote nodes first: they have the longer way. */
	for (coh_node i = c->cfg.nodes; i-- > 0;)
		coh_fx_send(c, fx, i, COH_MSG_BARRIER_RELEASE, 0);
	return 0;
}

int coh_barrier_release(struct coh *c, coh_node from, struct coh_effects *fx)
{
	if (from != 0 || !c->barrier_here)
		return -EPROTO;
	c->barrier_here = 0;
	coh_fx_complete(fx, c->barrier_cookie, 0, 0);
	c->barrier_cookie = 0;
	return 0;
}
