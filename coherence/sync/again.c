/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view begins: this node's threads that wait in a lock ask again, and what they hold is reported.
 * Who waits for a condition asks for the mutex: a signal may have been lost, and a wake for nothing
 * is allowed. A destruction that is under way ends, done or not.
 */
#include <errno.h>

#include "coherence/sync/sync.h"

void coh_sync_enter(struct coh *c, struct coh_effects *fx)
{
	for (unsigned i = 0; i < c->cfg.sync_slots; i++) {
		struct sync_slot *s = sync_at(c, i);
		if (s->type == COH_MSG_COND_WAIT && !MUTANT(COND_SLEEPS_ON))
			s->type = COH_MSG_LOCK;
		if (s->type != COH_MSG_SYNC_DESTROY)
			continue;
		coh_fx_complete(fx, s->cookie, -ESTALE, 0);
		*s = (struct sync_slot){0};
	}
}

uint64_t coh_sync_parts(const struct coh *c)
{
	return c->cfg.locks ? (uint64_t)coh_objects(&c->cfg) + c->cfg.sync_slots : 0;
}

static unsigned report_held(struct coh *c, struct coh_effects *fx, uint32_t number)
{
	uint32_t held = *held_at(c, 0, number);
	struct coh_msg *m;

	if (!held || MUTANT(HOLDER_UNTOLD))
		return 0;
	m = coh_fx_send(c, fx, coh_heir(c, (coh_node)(number / c->cfg.locks)), COH_MSG_REPORT, 0);
	m->flags = COH_F_HOLDS;
	m->result = (uint64_t)number << 32 | (held - 1);
	return 1;
}

static unsigned ask_again(struct coh *c, struct coh_effects *fx, unsigned slot)
{
	struct sync_slot *s = sync_at(c, slot);
	struct coh_msg *m;

	if ((s->type != COH_MSG_LOCK && s->type != COH_MSG_COND_CREATE) || MUTANT(LOCK_ASKED_ONCE))
		return 0;
	s->home = coh_heir(c, (coh_node)(s->object / c->cfg.locks));
	m = coh_fx_send(c, fx, s->home, s->type, 0);
	m->slot = (uint16_t)slot;
	m->flags = s->flags;
	m->serial = s->serial;
	m->sync.object = m->sync.mutex = s->object;
	m->sync.thread = s->thread;
	return 1;
}

unsigned coh_sync_report(struct coh *c, struct coh_effects *fx, uint64_t part)
{
	if (part < coh_objects(&c->cfg))
		return report_held(c, fx, (uint32_t)part);
	return ask_again(c, fx, (unsigned)(part - coh_objects(&c->cfg)));
}
