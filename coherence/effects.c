/* SPDX-License-Identifier: BSD-2-Clause */
/* Appending effects, and this node's messages to itself. */
#include <assert.h>
#include <string.h>

#include "coherence/state.h"

struct coh_effect *coh_fx_add(struct coh_effects *fx, enum coh_effect_kind kind, uint64_t page)
{
	assert(fx->len < fx->cap);
	struct coh_effect *e = &fx->list[fx->len++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	e->page = page;
	return e;
}

void coh_fx_access(struct coh_effects *fx, uint64_t page, uint16_t n, enum coh_access access)
{
	struct coh_effect *e = coh_fx_add(fx, COH_FX_SET_ACCESS, page);

	e->n = n;
	e->access = access;
}

#ifdef COH_MUTANTS
void coh_mutant_lower_now(struct coh *c, struct coh_effects *fx)
{
	if (c->late)
		coh_fx_access(fx, c->late_page, c->late_n, c->late_access);
	c->late = 0;
}

void coh_mutant_lower_late(struct coh *c, struct coh_effects *fx, uint64_t page, uint16_t n,
                           enum coh_access access)
{
	coh_mutant_lower_now(c, fx);
	c->late = 1;
	c->late_page = page;
	c->late_n = n;
	c->late_access = access;
}
#endif

void coh_fx_wake(struct coh_effects *fx, uint64_t page, uint16_t n)
{
	if (!MUTANT(NO_WAKE))
		coh_fx_add(fx, COH_FX_WAKE, page)->n = n;
}

void coh_fx_complete(struct coh_effects *fx, uint64_t cookie, int status, uint64_t result)
{
	struct coh_effect *e = coh_fx_add(fx, COH_FX_COMPLETE, 0);

	e->cookie = cookie;
	e->status = status;
	e->result = result;
}

void coh_fx_runs(struct coh_effects *fx, enum coh_effect_kind kind, uint64_t page, uint16_t n,
                 uint64_t map)
{
	struct coh_effect *e = NULL;

	for (unsigned i = 0; i < n; i++) {
		if (!(map >> i & 1))
			e = NULL;
		else if (e)
			e->n++;
		else
			(e = coh_fx_add(fx, kind, page + i))->n = 1;
	}
}

struct coh_msg *coh_fx_send_fill(struct coh *c, struct coh_effects *fx, coh_node node,
                                 enum coh_msg_type type, uint64_t page, uint8_t fill)
{
	struct coh_msg *m;

	if (node == c->cfg.self) {
		assert(fx->self_len < COH_SELF_MAX);
		m = &fx->self_queue[(fx->self_head + fx->self_len++) % COH_SELF_MAX];
		memset(m, 0, sizeof *m);
	} else {
		struct coh_effect *e = coh_fx_add(fx, COH_FX_SEND, page);
		e->node = node;
		e->fill = fill;
		m = &e->msg;
	}
	m->type = type;
	m->page = page;
	m->view = c->view.number;
	m->n = 1;
	return m;
}

struct coh_msg *coh_fx_send(struct coh *c, struct coh_effects *fx, coh_node node,
                            enum coh_msg_type type, uint64_t page)
{
	return coh_fx_send_fill(c, fx, node, type, page, 0);
}
