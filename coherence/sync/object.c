/* SPDX-License-Identifier: BSD-2-Clause */
/* An object at its home: who has it, who waits, oldest first. */
#include <errno.h>

#include "coherence/sync/sync.h"

struct object *coh_object_of(struct coh *c, uint32_t index, int kind)
{
	struct object *o = index < c->cfg.locks ? object_at(c, index) : NULL;

	return o && o->kind == kind ? o : NULL;
}

int coh_object_is_held_by(const struct object *o, coh_node node, uint32_t thread)
{
	return o->held && o->holder == node && o->thread == thread;
}

/* --- the queue --- */

/* Puts it before what link says. */
static int enqueue_at(struct coh *c, uint32_t *link, struct waiter w)
{
	unsigned i = 0;

	if (*waiting_at(c, w.node) == c->cfg.sync_slots)
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

struct waiter coh_object_dequeue(struct coh *c, struct object *o)
{
	struct waiter *w = waiter_at(c, o->queue - 1), was = *w;

	o->queue = w->next;
	--*waiting_at(c, was.node);
	*w = (struct waiter){0};
	return was;
}

/* --- answers --- */

void coh_object_respond(struct coh *c, struct coh_effects *fx, coh_node node, uint16_t slot,
                        int status, uint32_t object)
{
	struct coh_msg *m = coh_fx_send(c, fx, node, COH_MSG_SYNC_RESP, 0);

	m->slot = slot;
	m->sync.value = status;
	m->sync.object = object;
}

void coh_object_grant(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                      uint32_t thread, struct coh_effects *fx)
{
	o->held = 1;
	o->holder = node;
	o->thread = thread;
	fx->count[COH_N_LOCK]++;
	coh_object_respond(c, fx, node, slot, 0, 0);
}

void coh_object_destroy(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                        struct coh_effects *fx)
{
	if (o->kind == OBJ_COND)
		object_at(c, o->mutex)->conds--;
	*o = (struct object){0};
	coh_object_respond(c, fx, node, slot, 0, 0);
}

void coh_object_release(struct coh *c, struct object *o, struct coh_effects *fx)
{
	o->held = 0;
	o->holder = 0;
	o->thread = 0;
	if (o->queue) {
		struct waiter w = coh_object_dequeue(c, o);
		if (w.destroys)
			coh_object_destroy(c, o, w.node, w.slot, fx);
		else
			coh_object_grant(c, o, w.node, w.slot, w.thread, fx);
	}
}
