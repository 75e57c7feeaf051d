/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this node has written to secure pages goes to two nodes before anybody sees it, or anything that was
 * written after it. All of it at once, by way of a stand-in: each page is lowered and pushed, and its home holds it until this
 * node says Done, when all of them are on two nodes. Nothing more is written to such pages meanwhile; and
 * who asks for another page that was written here waits for the end.
 */
#include <assert.h>
#include <errno.h>

#include "coherence/cache/cache.h"
#include "coherence/secure.h"

/* --- Fwds that wait --- */

static enum cache_event event_of(const struct coh *c, const struct coh_msg *m)
{
	return is_secure(c, m->page) ? CE_CLEAN : coh_cache_event_of(m->type);
}

static int take_waiting(struct coh *c, struct coh_effects *fx, unsigned at)
{
	struct coh_msg m = *secure_wait_at(c, at);
	struct take t = take_init(c, fx, m.page);
	int rc;

	c->securing.waits--;
	for (unsigned i = at; i < c->securing.waits; i++)
		*secure_wait_at(c, i) = *secure_wait_at(c, i + 1);
	*secure_wait_at(c, c->securing.waits) = (struct coh_msg){0};
	t.msg = &m;
	rc = coh_cache_take_row(&t, event_of(c, &m));
	assert(rc == 0 || coh_has_mutants());
	(void)rc;
	return 1;
}

/* The first that asks for a page in that list; or for one that is not secure: LIST_NONE. */
static int find_waiting(struct coh *c, enum secure_list list)
{
	for (unsigned i = 0; i < c->securing.waits; i++) {
		uint64_t page = secure_wait_at(c, i)->page;
		if (is_secure(c, page) ? list && secure_at(c, page)->list == list : !list)
			return (int)i;
	}
	return -1;
}

/* --- all of it --- */

static int take_first(struct coh *c, struct coh_effects *fx, enum secure_list list,
                      enum cache_event event)
{
	struct take t = take_init(c, fx, coh_secure_first(c, list));

	if (event == CE_LOG)
		coh_cache_hold_end(c, fx, t.page); /* for which the home may have waited */
	coh_cache_take_row(&t, event);
	return 1;
}

/* Nothing is dirty: who waited for that goes on. */
static int finish(struct coh *c, struct coh_effects *fx)
{
	struct securing *s = &c->securing;
	int at = find_waiting(c, LIST_NONE);

	if (at >= 0)
		return take_waiting(c, fx, (unsigned)at);
	s->draining = 0;
	if (s->cookie && (coh_is_restored(c) || MUTANT(RESTORE_NOT_AWAITED))) {
		coh_fx_complete(fx, s->cookie, 0, 0);
		s->cookie = 0;
		return 1;
	}
	return 0;
}

/* Tells the stand-in that it has all (1), or is to forget it (0). */
static int seal(struct coh *c, struct coh_effects *fx, uint64_t all)
{
	coh_node stand_in = coh_secure_stand_in(c, c->cfg.self);
	int alone = stand_in == COH_NO_NODE || MUTANT(UNLOGGED);

	if (!alone)
		coh_fx_send(c, fx, stand_in, COH_MSG_SEAL, c->cfg.secure_first)->result = all;
	if (all)
		c->securing.phase = alone ? PHASE_PUSH : PHASE_SEAL;
	else
		c->securing.phase = alone || MUTANT(SEEN_BEFORE_END) ? PHASE_RELEASE : PHASE_END;
	return 1;
}

static int push_more(struct coh *c, struct coh_effects *fx)
{
	struct securing *s = &c->securing;
	int at = find_waiting(c, LIST_LOGGED);

	if (at >= 0)
		return take_waiting(c, fx, (unsigned)at);
	if (s->head[LIST_LOGGED] && s->count[LIST_PUSHED] < c->cfg.slots)
		return take_first(c, fx, LIST_LOGGED, CE_PUSH);
	if (s->head[LIST_LOGGED] || s->head[LIST_PUSHED] || s->head[LIST_CLEANED])
		return 0;
	return seal(c, fx, 0);
}

static int more(struct coh *c, struct coh_effects *fx)
{
	struct securing *s = &c->securing;

	if (!s->draining && (!s->cookie || !(coh_is_restored(c) || MUTANT(RESTORE_NOT_AWAITED))))
		return 0;
	s->draining = 1; /* what was written while copies were made anew, too */
	if (MUTANT(RELEASED_EACH) && s->head[LIST_HELD])
		return take_first(c, fx, LIST_HELD, CE_RELEASE);
	switch (s->phase) {
	case PHASE_IDLE:
		if (!s->head[LIST_DIRTY])
			return finish(c, fx);
		s->phase = PHASE_LOG;
		return 1;
	case PHASE_LOG:
		if (s->head[LIST_DIRTY] && s->count[LIST_LOGGING] < c->cfg.slots)
			return take_first(c, fx, LIST_DIRTY, CE_LOG);
		return s->head[LIST_DIRTY] || s->head[LIST_LOGGING] ? 0 : seal(c, fx, 1);
	case PHASE_PUSH: return push_more(c, fx);
	case PHASE_RELEASE:
		if (s->head[LIST_HELD])
			return take_first(c, fx, LIST_HELD, CE_RELEASE);
		s->phase = PHASE_IDLE;
		return 1;
	default: return 0; /* the stand-in has to answer */
	}
}

int coh_cache_push_more(struct coh *c, struct coh_effects *fx)
{
	int done = 0, room;

	if (!c->cfg.secure_pages || c->view.next || c->view.reporting)
		return 0;
	while ((room = coh_secure_room(fx)) && more(c, fx))
		done = 1;
	c->securing.more = !room;
	return done;
}

int coh_cache_secure(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (c->cfg.secure_pages && c->securing.cookie)
		return -EBUSY;
	if (!ev->cookie)
		return -EINVAL;
	if (!c->cfg.secure_pages) {
		coh_fx_complete(fx, ev->cookie, 0, 0);
		return 0;
	}
	c->securing.cookie = ev->cookie;
	c->securing.draining |= coh_secure_is_dirty(c);
	return 0;
}
