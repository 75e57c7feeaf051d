/* SPDX-License-Identifier: BSD-2-Clause */
/* An object at its home: who has it, who waits, oldest first. */
#include <errno.h>

#include "coherence/sync/sync.h"

int coh_object_is_here(const struct coh *c, uint32_t number)
{
	return !c->cfg.survive || (number < coh_objects(&c->cfg) &&
	                           coh_heir(c, (coh_node)(number / c->cfg.locks)) == c->cfg.self);
}

int coh_object_is_inherited(const struct coh *c, uint32_t number)
{
	return c->cfg.survive && number / c->cfg.locks != c->cfg.self;
}

/* Nobody has kept what there was at a home that has died, nor who held it: it is there when it is
 * used, and of a mutex whoever has it next is told that a holder may have died. */
static void revive(struct coh *c, struct object *o, uint32_t number, int kind, uint32_t mutex)
{
	if (o->kind != OBJ_FREE || !coh_object_is_inherited(c, number))
		return;
	*o = (struct object){.kind = (uint8_t)kind, .mutex = kind == OBJ_COND ? mutex : 0};
	if (kind == OBJ_COND)
		object_at(c, mutex)->conds++;
	else
		o->orphan = !MUTANT(INHERITED_UNMARKED);
}

struct object *coh_object_known(struct coh *c, uint32_t number, int kind)
{
	struct object *o = number < coh_objects(&c->cfg) ? object_at(c, number) : NULL;

	return o && o->kind == kind ? o : NULL;
}

struct object *coh_object_mutex(struct coh *c, uint32_t number)
{
	struct object *o = number < coh_objects(&c->cfg) ? object_at(c, number) : NULL;

	if (o)
		revive(c, o, number, OBJ_MUTEX, 0);
	return o && o->kind == OBJ_MUTEX ? o : NULL;
}

struct object *coh_object_cond(struct coh *c, uint32_t number, uint32_t mutex)
{
	struct object *o = number < coh_objects(&c->cfg) ? object_at(c, number) : NULL;

	if (o && coh_object_mutex(c, mutex))
		revive(c, o, number, OBJ_COND, mutex);
	return o && o->kind == OBJ_COND && o->mutex == mutex ? o : NULL;
}

int coh_object_is_held_by(const struct object *o, coh_node node, uint32_t thread)
{
	return o->held == HELD && o->holder == node && o->thread == thread;
}

int coh_object_is_waiting(const struct coh *c, const struct object *o)
{
	uint64_t number = (uint64_t)(o - object_at((struct coh *)c, 0)); /* only read */

	if (MUTANT(LOCK_BEFORE_REPORTS))
		return 0;
	return c->view.rebuilding ||
	       (c->view.starting && c->view.start_at <= coh_pages(&c->cfg) + number);
}

/* --- the queue --- */

int coh_object_has_room(struct coh *c, coh_node node)
{
	return *waiting_at(c, node) < c->cfg.sync_slots;
}

/* Puts it before what link says. */
static int enqueue_at(struct coh *c, uint32_t *link, struct waiter w)
{
	unsigned i = 0;

	if (!coh_object_has_room(c, w.node))
		return -EPROTO; /* more threads waiting than it may have: others' room */
	while (waiter_at(c, i)->taken)
		i++;
	++*waiting_at(c, w.node);
	w.taken = 1;
	w.next = *link;
	*link = i + 1;
	*waiter_at(c, i) = w;
	return 0;
}

int coh_object_enqueue(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                       uint32_t thread)
{
	uint32_t *link = &o->queue;

	while (*link)
		link = &waiter_at(c, *link - 1)->next;
	return enqueue_at(c, link, (struct waiter){.node = node, .slot = slot, .thread = thread});
}

int coh_object_enqueue_later(struct coh *c, struct object *o, struct waiter w, int first)
{
	uint32_t *link = &o->queue;

	if (first)
		w.overtaken = c->cfg.overtakes;
	while (*link && !first)
		link = &waiter_at(c, *link - 1)->next;
	return enqueue_at(c, link, w);
}

int coh_object_enqueue_woken(struct coh *c, struct object *o, const struct waiter *was)
{
	struct waiter w = {.node = was->node, .slot = was->slot, .thread = was->thread, .woken = 1};
	uint32_t *link = &o->queue, *at = link;
	int rc;

	while (*link) {
		struct waiter *other = waiter_at(c, *link - 1);
		link = &other->next;
		if (other->woken || other->overtaken == c->cfg.overtakes)
			at = link; /* not before this one */
	}
	rc = enqueue_at(c, at, w);
	for (uint32_t q = waiter_at(c, *at - 1)->next; rc == 0 && q; q = waiter_at(c, q - 1)->next)
		waiter_at(c, q - 1)->overtaken++;
	return rc;
}

struct waiter *coh_object_first(struct coh *c, const struct object *o)
{
	return o->queue ? waiter_at(c, o->queue - 1) : NULL;
}

int coh_object_is_doomed(struct coh *c, const struct object *o)
{
	const struct waiter *w = coh_object_first(c, o);

	return w && w->destroys;
}

struct waiter coh_object_dequeue_at(struct coh *c, uint32_t *link)
{
	struct waiter *w = waiter_at(c, *link - 1), was = *w;

	*link = w->next;
	--*waiting_at(c, was.node);
	*w = (struct waiter){0};
	return was;
}

struct waiter coh_object_dequeue(struct coh *c, struct object *o)
{
	return coh_object_dequeue_at(c, &o->queue);
}

/* --- answers --- */

struct coh_msg *coh_object_respond(struct coh *c, struct coh_effects *fx, coh_node node,
                                   uint16_t slot, int status, uint32_t object)
{
	struct coh_msg *m = coh_fx_send(c, fx, node, COH_MSG_SYNC_RESP, 0);

	m->slot = slot;
	m->sync.value = status;
	m->sync.object = object;
	return m;
}

void coh_object_grant(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                      uint32_t thread, struct coh_effects *fx)
{
	o->held = HELD;
	o->holder = node;
	o->thread = thread;
	fx->count[COH_N_LOCK]++;
	coh_object_respond(c, fx, node, slot, 0, 0)->flags = o->orphan ? COH_F_ORPHAN : 0;
	if (MUTANT(MARK_FORGOTTEN))
		o->orphan = 0;
}

void coh_object_destroy(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                        struct coh_effects *fx)
{
	if (o->kind == OBJ_COND)
		object_at(c, o->mutex)->conds--;
	*o = (struct object){0};
	coh_object_respond(c, fx, node, slot, 0, 0);
}

void coh_object_pass_on(struct coh *c, struct object *o, struct coh_effects *fx)
{
	struct waiter w = coh_object_dequeue(c, o);

	if (w.destroys)
		coh_object_destroy(c, o, w.node, w.slot, fx);
	else
		coh_object_grant(c, o, w.node, w.slot, w.thread, fx);
}

void coh_object_release(struct coh *c, struct object *o, struct coh_effects *fx)
{
	o->held = HELD_NOT;
	o->holder = 0;
	o->thread = 0;
	o->orphan = 0; /* whoever was told has put in order what the dead one left */
	if (o->queue && !coh_object_is_waiting(c, o))
		coh_object_pass_on(c, o, fx);
}
