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
	                                       .flags = ev->flags & COH_F_TRY,
	                                       .home = ev->home,
	                                       .object = result,
	                                       .thread = ev->sync.thread,
	                                       .cookie = ev->cookie};
	if (type == COH_MSG_COND_CREATE)
		sync_at(c, slot)->serial = coh_view_serial(c);
	m = coh_fx_send(c, fx, ev->home, type, 0);
	m->slot = slot;
	m->serial = sync_at(c, slot)->serial;
	m->flags = ev->flags & COH_F_TRY;
	m->sync = ev->sync;
	return 0;
}

int coh_sync_holds(struct coh *c, coh_node home, uint32_t object, uint32_t thread)
{
	return object < coh_objects(&c->cfg) && *held_at(c, home, object) == thread + 1;
}

int coh_sync_resp(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	struct sync_slot *s, was;
	int orphan = c->cfg.survive && (m->flags & COH_F_ORPHAN), status = m->sync.value;

	if (m->slot >= c->cfg.sync_slots)
		return -EPROTO;
	s = sync_at(c, m->slot);
	if (!s->type || s->home != from)
		return -EPROTO;
	was = *s;
	*s = (struct sync_slot){0};
	if (was.type == COH_MSG_COND_WAIT || (was.type == COH_MSG_LOCK && m->sync.value == 0))
		*held_at(c, from, was.object) = was.thread + 1;
	if (status == 0 && orphan)
		status = -EOWNERDEAD;
	coh_fx_complete(fx, was.cookie, status,
	                c->cfg.survive ? m->sync.object % c->cfg.locks : m->sync.object);
	return 0;
}
