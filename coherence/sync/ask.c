/* SPDX-License-Identifier: BSD-2-Clause */
/* This node's threads that wait for the answer of an object's home, and what they hold. */
#include <errno.h>

#include "coherence/sync/sync.h"

static int slot_free(struct coh *c)
{
	for (unsigned i = 0; i < c->cfg.sync_slots; i++)
		if (!sync_at(c, i)->type)
			return (int)i;
	return -EAGAIN;
}

int coh_sync_ask(struct coh *c, const struct coh_event *ev, enum coh_msg_type type,
                 uint32_t result, struct coh_effects *fx)
{
	int slot = slot_free(c);
	struct coh_msg *m;

	if (slot < 0)
		return slot;
	*sync_at(c, slot) = (struct sync_slot){.type = type,
	                                       .home = ev->home,
	                                       .object = result,
	                                       .thread = ev->sync.thread,
	                                       .cookie = ev->cookie};
	m = coh_fx_send(c, fx, ev->home, type, 0);
	m->slot = slot;
	m->flags = ev->flags & COH_F_TRY;
	m->sync = ev->sync;
	return 0;
}

int coh_sync_holds(struct coh *c, coh_node home, uint32_t object, uint32_t thread)
{
	return object < c->cfg.locks && *held_at(c, home, object) == thread + 1;
}

int coh_sync_resp(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	struct sync_slot *s, was;

	if (m->slot >= c->cfg.sync_slots)
		return -EPROTO;
	s = sync_at(c, m->slot);
	if (!s->type || s->home != from)
		return -EPROTO;
	was = *s;
	*s = (struct sync_slot){0};
	if (was.type == COH_MSG_COND_WAIT || (was.type == COH_MSG_LOCK && m->sync.value == 0))
		*held_at(c, from, was.object) = was.thread + 1;
	coh_fx_complete(fx, was.cookie, m->sync.value, m->sync.object);
	return 0;
}
