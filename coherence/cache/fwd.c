/* SPDX-License-Identifier: BSD-2-Clause */
/* An owner's answers to a Fwd: its access is lowered, then the page leaves. */
#include "coherence/cache/cache.h"

static void move(struct take *t, coh_node to, const struct coh_landing *landing, struct coh_tag tag)
{
	struct coh_effect *e = coh_fx_add(t->fx, COH_FX_MOVE, t->page);

	e->n = t->n;
	e->node = to;
	e->landing = *landing;
	e->tag = coh_tag_encode(tag);
}

/* The owner's answer to a Fwd, its access lowered: the page leaves. */
static void supply(struct take *t, enum coh_access granted)
{
	const struct coh_msg *m = t->msg;
	struct coh_tag home_tag = {
	        .to_home = 1,
	        .home_index = (uint32_t)coh_dir_number(t->c, t->page),
	};

	if (m->flags & COH_F_RECALL) {
		coh_cache_act_ack(t); /* the frame is the home's */
		return;
	}
	if (m->flags & COH_F_PULL) {
		move(t, t->home, &m->landing, home_tag);
		t->fx->count[m->type == COH_MSG_FWD_GETS ? COH_N_REFRESH : COH_N_WRITE_BACK] += t->n;
		return;
	}
	move(t, m->requestor, &m->landing,
	     (struct coh_tag){.access = granted, .n = t->n, .slot = m->slot});
	t->fx->count[COH_N_SUPPLY] += t->n;
	if (m->flags & COH_F_REFRESH) {
		move(t, t->home, &m->refresh, home_tag);
		t->fx->count[COH_N_REFRESH] += t->n;
	}
}

/* How much of a run asked of an owner goes out at once: pages that it has and holds for
 * nobody. The first is the one that the row was taken for. */
static uint16_t run_owned(struct take *t)
{
	uint16_t k = 1;

	for (; k < t->msg->n; k++) {
		struct line *line = line_at(t->c, t->page + k);
		if (line->state != COH_C_M || line->hold)
			break;
	}
	return k;
}

void coh_cache_act_share(struct take *t)
{
	t->n = run_owned(t);
	for (unsigned i = 1; i < t->n; i++)
		line_at(t->c, t->page + i)->state = COH_C_S;
	coh_cache_lower(t, COH_READ);
	supply(t, COH_READ);
	t->fx->count[COH_N_DOWNGRADE] += t->n;
}

void coh_cache_act_refuse(struct take *t)
{
	coh_fx_send(t->c, t->fx, t->home, COH_MSG_DONE, t->page)->flags = COH_F_RUN;
}

/* The window stays as it is: the home will not let anybody write before this has landed. */
void coh_cache_act_salvage(struct take *t)
{
	t->n = 1;
	supply(t, COH_READ);
}

void coh_cache_act_part(struct take *t)
{
	coh_view_keep(t->c, t->msg);
	coh_cache_lower(t, COH_NONE);
	supply(t, COH_READ);
	t->fx->count[COH_N_INV]++;
}

void coh_cache_act_yield(struct take *t)
{
	coh_view_keep(t->c, t->msg);
	coh_cache_lower(t, COH_NONE);
	supply(t, COH_WRITE);
	t->fx->count[COH_N_INV]++;
}

void coh_cache_act_atomic(struct take *t)
{
	const struct coh_msg *m = t->msg;

	coh_answer_atomic(t->c, t->fx, m->requestor, m->slot, t->page, &m->atomic, m->serial);
	if (t->c->cfg.survive && m->requestor == t->c->cfg.self)
		coh_fx_send(t->c, t->fx, t->home, COH_MSG_DONE, t->page);
}
