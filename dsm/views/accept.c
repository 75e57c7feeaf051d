/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The acceptor: answers leaders, and accepts what the last of them proposes. Who would be left out
 * does so only when asked for: when those who would not be cannot be enough (any more), and a view
 * that may have been made must be made.
 */
#include "dsm/views/state.h"

void views_take_ask(struct views *v, const struct views_msg *m, struct views_effects *fx)
{
	struct views_msg tell;

	if (m->ballot < v->answered)
		return;
	if (!VIEWS_MUTANT(ANSWER_FORGOTTEN))
		v->answered = m->ballot;
	tell = views_msg(v, VIEWS_TELL, m->ballot);
	tell.accepted = v->accepted;
	tell.set = v->accepted_set;
	tell.accused = views_accused(v);
	views_send(fx, m->from, &tell);
}

static void say_accepted(struct views *v, struct views_effects *fx)
{
	struct views_msg m = views_msg(v, VIEWS_ACCEPT, v->accepted);
	unsigned leader = BALLOT_RANK(v->accepted);

	if (leader == v->self)
		vset_add(&v->accepts, v->self);
	else
		views_send(fx, leader, &m);
}

void views_take_propose(struct views *v, const struct views_msg *m, struct views_effects *fx)
{
	if (m->ballot < v->answered && !VIEWS_MUTANT(ACCEPT_OLD))
		return;
	if (!vset_within(&m->set, &v->members))
		return;
	v->answered = m->ballot;
	v->seen = m->ballot;
	v->seen_set = m->set;
	v->wanted = m->accepted != 0;
	if (v->accepted == v->seen)
		say_accepted(v, fx); /* the leader does not know */
}

/* Somebody who would be left out has this node's promise. */
static int is_bound(const struct views *v)
{
	struct vset out = vset_minus(&v->members, &v->seen_set);

	out = vset_and(&out, &v->promised);
	return !vset_is_empty(&out) && !VIEWS_MUTANT(ACCEPT_IN_SPITE);
}

void views_accept(struct views *v, struct views_effects *fx)
{
	if (!v->seen || v->seen != v->answered || v->accepted == v->seen)
		return;
	if (!vset_has(&v->seen_set, v->self) && !v->wanted)
		return;
	if (is_bound(v))
		return;
	v->accepted = v->seen;
	v->accepted_set = v->seen_set;
	if (v->unfinished < v->accepted)
		v->unfinished = v->accepted;
	views_check_lease(v, fx); /* whom it leaves out has none from now on */
	say_accepted(v, fx);
}
