/* SPDX-License-Identifier: BSD-2-Clause */
/* A request as it leaves: takes its slot, and the lines of its pages know it. */
#include "coherence/cache/cache.h"

static void request_take(struct take *t, enum coh_msg_type type, uint16_t n)
{
	*request_at(t->c, t->request) =
	        (struct request){.type = type, .n = n, .home = t->home,
	                         .serial = coh_view_serial(t->c), .page = t->page};
	++*out_at(t->c, t->home);
	for (unsigned i = 0; i < n; i++)
		line_at(t->c, t->page + i)->request = t->request + 1;
}

struct coh_msg *coh_cache_send(struct take *t, enum coh_msg_type type, uint16_t n)
{
	struct coh_msg *m;

	request_take(t, type, n);
	m = coh_fx_send_fill(t->c, t->fx, t->home, type, t->page,
	                     type == COH_MSG_GETS || type == COH_MSG_GETM ? COH_FILL_LANDING : 0);
	m->slot = t->request;
	m->serial = request_at(t->c, t->request)->serial;
	m->n = n;
	if (MUTANT(SLOT_REUSED) && t->home != t->c->cfg.self)
		coh_request_release(t->c, t->request);
	if (MUTANT(DONE_BEFORE_LANDING) && (type == COH_MSG_GETS || type == COH_MSG_GETM))
		coh_fx_send(t->c, t->fx, t->home, COH_MSG_DONE, t->page)->n = n;
	return m;
}
