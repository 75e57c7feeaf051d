/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The barrier: its home counts who has arrived, and releases all. Where nodes may die, it is of those
 * who live. A view may find some nodes behind a barrier that others still wait in, as the releases of
 * these were lost: so each node counts those that it has passed, and reports that.
 */
#include <errno.h>
#include <string.h>

#include "coherence/sharers.h"
#include "coherence/sync/sync.h"

static int is_home(const struct coh *c)
{
	return c->cfg.self == coh_heir(c, 0);
}

int coh_barrier_enter(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	if (c->barrier_here)
		return -EBUSY;
	c->barrier_here = 1;
	c->barrier_cookie = ev->cookie;
	coh_fx_send(c, fx, coh_heir(c, 0), COH_MSG_BARRIER_ARRIVE, 0);
	return 0;
}

static int lives(const struct coh *c, coh_node node)
{
	return !c->cfg.survive || (c->view.members >> node & 1);
}

static int all_are_here(struct coh *c)
{
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (!coh_map_has(arrived_at(c), i) && (lives(c, i) || MUTANT(DEAD_AWAITED)))
			return 0;
	return 1;
}

static void release_all(struct coh *c, struct coh_effects *fx)
{
	memset(arrived_at(c), 0, coh_map_words(&c->cfg) * sizeof(uint64_t));
	fx->count[COH_N_BARRIER]++;
	/* Remote nodes first: they have the longer way. */
	for (coh_node i = c->cfg.nodes; i-- > 0;)
		if (lives(c, i))
			coh_fx_send(c, fx, i, COH_MSG_BARRIER_RELEASE, 0);
}

int coh_barrier_home(struct coh *c, coh_node from, struct coh_effects *fx)
{
	if (!is_home(c) || coh_map_has(arrived_at(c), from))
		return -EPROTO;
	coh_map_add(arrived_at(c), from);
	if ((!c->view.rebuilding || MUTANT(BARRIER_BEFORE_REPORTS)) && all_are_here(c))
		release_all(c, fx);
	return 0;
}

int coh_barrier_release(struct coh *c, coh_node from, struct coh_effects *fx)
{
	if (from != coh_heir(c, 0) || !c->barrier_here)
		return -EPROTO;
	c->barrier_here = 0;
	if (c->cfg.survive)
		c->barrier_passed = (c->barrier_passed + 1) & 3;
	coh_fx_complete(fx, c->barrier_cookie, 0, 0);
	c->barrier_cookie = 0;
	return 0;
}

/* --- a view --- */

unsigned coh_barrier_report(struct coh *c, struct coh_effects *fx)
{
	struct coh_msg *m;

	if (!c->barrier_here && !c->barrier_passed)
		return 0;
	m = coh_fx_send(c, fx, coh_heir(c, 0), COH_MSG_REPORT, 0);
	m->flags = COH_F_BARRIER;
	m->result = c->barrier_passed;
	if (c->barrier_here && !MUTANT(ARRIVAL_FORGOTTEN))
		m->result |= 4;
	return 1;
}

static unsigned passed_by(const struct coh *c, coh_node node)
{
	return (unsigned)(c->view.passed[0] >> node & 1) |
	       (unsigned)(c->view.passed[1] >> node & 1) << 1;
}

int coh_barrier_take_report(struct coh *c, coh_node from, uint64_t result)
{
	if (!is_home(c) || result > 7 || coh_map_has(arrived_at(c), from))
		return -EPROTO;
	c->view.passed[0] |= (result & 1) << from;
	c->view.passed[1] |= (result >> 1 & 1) << from;
	if (result & 4)
		coh_map_add(arrived_at(c), from);
	return 0;
}

/* Of the two numbers that there may be the later one. */
static unsigned latest(const struct coh *c)
{
	unsigned passed = c->barrier_passed;

	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (lives(c, i) && passed_by(c, i) == ((passed + 1) & 3))
			return passed_by(c, i);
	return passed;
}

/* Who waits in a barrier that somebody has passed goes on; the others wait for all who live. */
void coh_barrier_revive(struct coh *c, struct coh_effects *fx)
{
	unsigned last = latest(c);

	if (!is_home(c))
		return;
	for (coh_node i = 0; i < c->cfg.nodes; i++) {
		if (!coh_map_has(arrived_at(c), i) || passed_by(c, i) == last ||
		    MUTANT(EPISODE_IGNORED))
			continue;
		coh_map_remove(arrived_at(c), i);
		coh_fx_send(c, fx, i, COH_MSG_BARRIER_RELEASE, 0);
	}
	c->view.passed[0] = c->view.passed[1] = 0;
	if (all_are_here(c))
		release_all(c, fx);
}
