/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of a home in a new view. One that lives knows who was granted a mutex, in what order the
 * others came, and whether a holder has died; who has taken over knows nothing. Both learn who holds
 * it, and who waits, from the reports, and grant it when all are in.
 */
#include <errno.h>
#include <string.h>

#include "coherence/sharers.h"
#include "coherence/sync/sync.h"

static int lives(const struct coh *c, coh_node node)
{
	return c->view.members >> node & 1;
}

/* Who waits on keeps his place, if he asks again. */
static void queue_enter(struct coh *c, struct object *o)
{
	for (uint32_t *link = &o->queue; *link;) {
		struct waiter *w = waiter_at(c, *link - 1);
		if (o->kind == OBJ_MUTEX && !w->destroys && (lives(c, w->node) || MUTANT(DEAD_WAITER_KEPT))) {
			w->old = !MUTANT(DEAD_WAITER_KEPT) || lives(c, w->node);
			link = &w->next;
		} else {
			coh_object_dequeue_at(c, link);
		}
	}
}

static void mutex_enter(const struct coh *c, struct object *o)
{
	if (o->held == HELD_NOT)
		return;
	if (lives(c, o->holder)) {
		o->held = HELD_PERHAPS;
		return;
	}
	o->held = HELD_NOT;
	o->holder = 0;
	o->thread = 0;
	o->orphan = !MUTANT(OWNER_DEATH_UNTOLD);
}

void coh_sync_home_enter(struct coh *c)
{
	for (uint32_t i = 0; i < coh_objects(&c->cfg); i++) {
		struct object *o = object_at(c, i);
		if (o->queue)
			queue_enter(c, o);
		if (o->kind == OBJ_MUTEX)
			mutex_enter(c, o);
	}
	memset(arrived_at(c), 0, coh_map_words(&c->cfg) * sizeof(uint64_t));
	c->view.passed[0] = c->view.passed[1] = 0;
}

int coh_sync_take_held(struct coh *c, coh_node from, uint64_t result)
{
	const uint32_t number = (uint32_t)(result >> 32);
	struct object *o;

	if (number >= coh_objects(&c->cfg) || !coh_object_is_here(c, number) ||
	    object_at(c, number)->held == HELD || (uint32_t)result == UINT32_MAX)
		return -EPROTO;
	o = coh_object_mutex(c, number);
	if (!o)
		return -EPROTO;
	o->held = HELD;
	o->holder = from;
	o->thread = (uint32_t)result;
	return 0;
}

/* --- when all have reported --- */

static void drop_old(struct coh *c, struct object *o)
{
	for (uint32_t *link = &o->queue; *link;) {
		if (waiter_at(c, *link - 1)->old)
			coh_object_dequeue_at(c, link);
		else
			link = &waiter_at(c, *link - 1)->next;
	}
}

static void refuse(struct coh *c, struct coh_effects *fx, uint32_t *link)
{
	struct waiter w = coh_object_dequeue_at(c, link);

	coh_object_respond(c, fx, w.node, w.slot, -EBUSY, 0);
}

static int is_full(const struct coh_effects *fx)
{
	return fx->self_len > COH_SELF_MAX / 4 || fx->len > fx->cap / 2;
}

/* The first has the mutex, and of the others those go who do not wait: who tries it, and who
 * destroys what others want, too. */
static int settle(struct coh *c, struct object *o, struct coh_effects *fx)
{
	for (uint32_t *link = &o->queue; *link;) {
		struct waiter *w = waiter_at(c, *link - 1);
		int lone = link == &o->queue && !w->next && !o->conds;
		if (is_full(fx))
			return 1;
		if (!o->held && link == &o->queue && (!w->destroys || lone)) {
			coh_object_pass_on(c, o, fx);
			if (o->kind == OBJ_FREE)
				return 0;
		} else if (w->tries || (w->destroys && !lone)) {
			refuse(c, fx, link);
		} else {
			link = &w->next;
		}
	}
	return 0;
}

int coh_sync_revive(struct coh *c, uint32_t number, struct coh_effects *fx)
{
	struct object *o = object_at(c, number);

	if (o->kind != OBJ_MUTEX || !coh_object_is_here(c, number))
		return 0;
	if (o->held == HELD_PERHAPS && !MUTANT(GRANTED_HOLDS))
		o->held = HELD_NOT;
	if (!o->held)
		o->holder = 0, o->thread = 0;
	drop_old(c, o);
	return settle(c, o, fx);
}
