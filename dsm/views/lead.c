/* SPDX-License-Identifier: BSD-2-Clause */
/* The leader: asks, proposes, and makes the view when enough have accepted. */
#include "dsm/views/state.h"

/* The lowest rank that is not suspected. That two take themselves for it costs time, not more. */
static int is_leader(const struct views *v)
{
	VSET_EACH(rank, &v->members) {
		if (rank == v->self)
			return 1;
		if (!views_is_suspected(v, rank) || VIEWS_MUTANT(NO_DEPUTY))
			return 0;
	}
	return 0;
}

/* Those whom the proposal keeps, and who can be reckoned with, are not enough. */
static int wants_all(const struct views *v)
{
	struct vset accused = views_accused(v), some = vset_minus(&v->proposal, &accused);

	some = vset_or(&some, &v->accepts);
	return v->rule == VIEWS_MAJORITY && !views_is_majority(&some, &v->members) &&
	       !VIEWS_MUTANT(NEVER_WANTED);
}

static void say(const struct views *v, struct views_effects *fx)
{
	struct views_msg m = views_msg(v, v->phase == VIEWS_ASKING ? VIEWS_ASK : VIEWS_PROPOSE,
	                               v->ballot);

	if (v->phase == VIEWS_PROPOSING) {
		m.set = v->proposal;
		m.accepted = wants_all(v);
	}
	views_send(fx, VIEWS_ALL, &m);
}

static void ask(struct views *v, struct views_effects *fx)
{
	v->ballot = v->highest = v->answered = BALLOT_NEXT(v->highest, v->self);
	v->phase = VIEWS_ASKING;
	v->told = v->accepts = (struct vset){ { 0 } };
	vset_add(&v->told, v->self);
	v->best = v->accepted;
	v->best_set = v->accepted_set;
	say(v, fx);
}

void views_take_tell(struct views *v, const struct views_msg *m)
{
	v->peer[m->from].accuses = m->accused;
	if (v->unfinished < m->accepted)
		v->unfinished = m->accepted;
	if (v->phase != VIEWS_ASKING || m->ballot != v->ballot)
		return;
	if (!vset_has(&v->cut, m->from)) /* else it was on its way when its sender ended, most likely */
		vset_add(&v->told, m->from);
	if (m->accepted > v->best || (VIEWS_MUTANT(OLDEST_BEST) && m->accepted)) {
		if (VIEWS_MUTANT(OLDEST_BEST) && v->best && v->best < m->accepted)
			return;
		v->best = m->accepted;
		v->best_set = m->set;
	}
}

void views_take_accept(struct views *v, const struct views_msg *m)
{
	if (v->phase == VIEWS_PROPOSING && m->ballot == v->ballot)
		vset_add(&v->accepts, m->from);
}

/* Has the living of these stopped. 1 when none of them lives. */
static int stop(struct views *v, const struct vset *whom, int again, struct views_effects *fx)
{
	struct vset alive = vset_minus(whom, &v->dead);

	if (!vset_is_empty(&alive) && (again || !vset_within(&alive, &v->stopping)))
		views_fx_add(fx, VIEWS_FX_STOP, v->self)->msg.set = alive;
	v->stopping = vset_or(&v->stopping, &alive);
	if (VIEWS_MUTANT(STOP_UNCONFIRMED))
		v->dead = vset_or(&v->dead, &alive);
	return vset_is_empty(&alive) || VIEWS_MUTANT(STOP_UNCONFIRMED);
}

/* Everybody has answered who can be expected to, and they are enough. */
static int have_all_told(struct views *v, int again, struct views_effects *fx)
{
	struct vset absent = vset_minus(&v->members, &v->told), accused = views_accused(v);
	struct vset expected = vset_minus(&absent, &accused);

	if (v->rule == VIEWS_MAJORITY)
		return vset_is_empty(&expected) && views_is_majority(&v->told, &v->members);
	absent = vset_and(&absent, &accused);
	return stop(v, &absent, again, fx) && vset_is_empty(&expected);
}

/* Sets the proposal. 0: there is none, yet or at all. */
static int wish(struct views *v, int again, struct views_effects *fx)
{
	struct vset out;

	if (v->best && !VIEWS_MUTANT(OWN_WAY)) {
		v->proposal = v->best_set;
		return 1;
	}
	v->proposal = views_choose(v);
	if (vset_equal(&v->proposal, &v->members)) {
		v->phase = VIEWS_IDLE; /* it was a false alarm */
		return 0;
	}
	if (!vset_has(&v->proposal, v->self)) {
		views_end(v, VIEWS_SHUNNED, fx);
		return 0;
	}
	out = vset_minus(&v->members, &v->proposal);
	if (v->rule == VIEWS_STARTER)
		return stop(v, &out, again, fx);
	return views_is_majority(&v->proposal, &v->members);
}

static void propose(struct views *v, int again, struct views_effects *fx)
{
	if (!have_all_told(v, again, fx) || !wish(v, again, fx))
		return;
	v->phase = VIEWS_PROPOSING;
	say(v, fx);
	if (v->ballot < v->answered)
		return; /* overtaken */
	v->seen = v->ballot;
	v->seen_set = v->proposal;
	v->wanted = (uint8_t)wants_all(v);
	views_accept(v, fx);
}

static int have_enough_accepted(const struct views *v)
{
	struct vset living = vset_minus(&v->members, &v->dead), some = v->accepts;

	if (VIEWS_MUTANT(ONE_FEWER)) {
		struct vset rest = vset_minus(&v->members, &some);

		if (!vset_is_empty(&rest))
			vset_add(&some, vset_next(&rest, 0));
	}
	if (v->rule == VIEWS_MAJORITY || VIEWS_MUTANT(SOME_ACCEPT))
		return views_is_majority(&some, v->rule == VIEWS_MAJORITY ? &v->members : &living);
	return vset_within(&living, &some);
}

static void make_view(struct views *v, struct views_effects *fx)
{
	struct vset members = v->proposal;

	views_say_view(v, VIEWS_ALL, v->number + 1, &members, fx);
	views_enter(v, v->number + 1, &members, fx);
}

void views_lead(struct views *v, int again, int retry, struct views_effects *fx)
{
	if (!is_leader(v)) {
		v->phase = VIEWS_IDLE;
		return;
	}
	if (v->phase == VIEWS_IDLE) {
		if (!views_is_uneasy(v) && !v->unfinished)
			return;
		ask(v, fx);
	} else if (v->highest > v->ballot) {
		if (retry && !VIEWS_MUTANT(ONE_TRY))
			ask(v, fx);
	} else if (again) {
		say(v, fx);
		/* Of itself, too. */
		if (v->phase == VIEWS_PROPOSING && v->seen == v->ballot)
			v->wanted = (uint8_t)wants_all(v);
		views_accept(v, fx);
	}
	if (v->phase == VIEWS_ASKING)
		propose(v, again, fx);
	if (v->phase == VIEWS_PROPOSING && have_enough_accepted(v))
		make_view(v, fx);
}
