/* SPDX-License-Identifier: BSD-2-Clause */
/* A secure page that was written is lowered, and goes to its home (drain.c has when). */
#include "coherence/cache/cache.h"
#include "coherence/secure.h"

/* It was another node's, which has died: what this one has of it is its frame now. */
static void take_staged(struct take *t)
{
	struct secure *s = secure_at(t->c, t->page);

	if (!s->staged)
		return;
	s->staged = 0;
	coh_fx_add(t->fx, COH_FX_TAKE, t->page)->n = 1;
	coh_fx_access(t->fx, t->page, 1, COH_READ);
}

void coh_cache_act_log(struct take *t)
{
	coh_node stand_in = coh_secure_stand_in(t->c, t->c->cfg.self);

	take_staged(t);
	if (t->line->state == COH_C_M)
		coh_fx_access(t->fx, t->page, 1, COH_READ);
	if (stand_in == COH_NO_NODE || MUTANT(UNLOGGED)) {
		coh_secure_list(t->c, t->page, LIST_LOGGED);
		return;
	}
	coh_secure_list(t->c, t->page, LIST_LOGGING);
	coh_fx_send(t->c, t->fx, stand_in, COH_MSG_LOG, t->page);
}

void coh_cache_act_push(struct take *t)
{
	coh_secure_list(t->c, t->page, LIST_PUSHED);
	coh_fx_send(t->c, t->fx, t->home, COH_MSG_PUSH, t->page);
	t->fx->count[COH_N_PUSH]++;
}

void coh_cache_act_again_pushed(struct take *t)
{
	take_staged(t);
	coh_cache_act_again(t);
}

void coh_cache_act_clean(struct take *t)
{
	struct coh_effect *e;

	coh_secure_list(t->c, t->page, LIST_CLEANED);
	if (t->msg->flags & COH_F_RECALL) {
		coh_cache_act_ack(t); /* the frame is the home's */
		return;
	}
	e = coh_fx_add(t->fx, COH_FX_MOVE, t->page);
	e->n = 1;
	e->node = t->home;
	e->landing = t->msg->landing;
	e->tag = coh_tag_encode((struct coh_tag){
		.to_home = 1, .home_index = (uint32_t)coh_dir_number(t->c, t->page)});
	t->fx->count[COH_N_REFRESH]++;
}

void coh_cache_act_secured(struct take *t)
{
	coh_secure_list(t->c, t->page, LIST_HELD);
}

void coh_cache_act_release(struct take *t)
{
	coh_secure_list(t->c, t->page, LIST_NONE);
	coh_secure_note_copy(t->c, t->page);
	coh_fx_send(t->c, t->fx, t->home, COH_MSG_DONE, t->page);
	if (t->line->faulted)
		coh_fx_wake(t->fx, t->page, 1);
	t->line->faulted = 0;
}
