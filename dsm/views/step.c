/* SPDX-License-Identifier: BSD-2-Clause */
/* The step: each event to the part that it is for, then what follows from it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "dsm/views/state.h"

size_t views_size(unsigned nodes)
{
	return sizeof(struct views) + nodes * sizeof(struct views_peer);
}

void views_init(struct views *v, const struct views_config *config)
{
	assert(config->nodes >= 1 && config->nodes <= VIEWS_NODES_MAX && config->self < config->nodes);
	memset(v, 0, views_size(config->nodes));
	v->nodes = config->nodes;
	v->self = config->self;
	v->rule = config->rule;
	v->number = 1;
	for (unsigned rank = 0; rank < v->nodes; rank++) {
		vset_add(&v->members, rank);
		v->peer[rank].incarnation = config->incarnation ? config->incarnation[rank] : 0;
	}
	v->usable = v->rule == VIEWS_STARTER || v->nodes == 1;
}

/* --- events --- */

static void take_beat(struct views *v, const struct views_msg *m, struct views_effects *fx)
{
	v->peer[m->from].accuses = m->accused;
	if (v->unfinished < m->accepted)
		v->unfinished = m->accepted;
	views_promise(v, m->from, fx);
}

/* From a member, who is in this view. */
static void take_of_view(struct views *v, const struct views_msg *m, struct views_effects *fx)
{
	if (v->highest < m->ballot)
		v->highest = m->ballot;
	switch (m->type) {
	case VIEWS_BEAT: take_beat(v, m, fx); break;
	case VIEWS_ASK: views_take_ask(v, m, fx); break;
	case VIEWS_TELL: views_take_tell(v, m); break;
	case VIEWS_PROPOSE: views_take_propose(v, m, fx); break;
	case VIEWS_ACCEPT: views_take_accept(v, m); break;
	default: break; /* a view that this node is in */
	}
}

static void take_msg(struct views *v, const struct views_msg *m, struct views_effects *fx)
{
	struct views_msg beat;

	if (m->from >= v->nodes || m->from == v->self ||
	    m->incarnation != v->peer[m->from].incarnation)
		return;
	vset_del(&v->silent, m->from);
	if (m->view < v->number) {
		views_say_view(v, m->from, v->number, &v->members, fx);
	} else if (m->type == VIEWS_VIEW && m->view > v->number) {
		if (vset_within(&m->set, &v->members))
			views_enter(v, m->view, &m->set, fx);
	} else if (m->view > v->number) {
		beat = views_beat(v); /* it shall say which */
		views_send(fx, m->from, &beat);
	} else if (vset_has(&v->members, m->from)) {
		take_of_view(v, m, fx);
	}
}

static void suspect(struct views *v, unsigned rank, enum views_source source)
{
	if (rank == v->self || !vset_has(&v->members, rank))
		return;
	switch (source) {
	case VIEWS_SILENT: vset_add(&v->silent, rank); break;
	case VIEWS_CUT: vset_add(&v->cut, rank); break;
	case VIEWS_GONE: vset_add(&v->gone, rank); break;
	}
	vset_del(&v->told, rank); /* before it was lost, maybe: it shall answer again */
}

static void take_event(struct views *v, const struct views_event *ev, struct views_effects *fx)
{
	switch (ev->kind) {
	case VIEWS_EV_TICK:
	case VIEWS_EV_RETRY: break;
	case VIEWS_EV_MSG: take_msg(v, ev->msg, fx); break;
	case VIEWS_EV_SUSPECT: suspect(v, ev->rank, ev->source); break;
	case VIEWS_EV_DEAD:
		if (ev->rank != v->self && vset_has(&v->members, ev->rank))
			vset_add(&v->dead, ev->rank);
		break;
	case VIEWS_EV_PROMISED: views_believe(v, ev->rank, fx); break;
	case VIEWS_EV_BELIEF_OUT:
		if (!VIEWS_MUTANT(LEASE_FOR_EVER))
			vset_del(&v->believed, ev->rank);
		break;
	case VIEWS_EV_PROMISE_OUT: vset_del(&v->promised, ev->rank); break;
	case VIEWS_EV_GIVE_UP:
		if (!views_can_go_on(v) && !VIEWS_MUTANT(MINORITY_WAITS))
			views_end(v, VIEWS_MINORITY, fx);
		break;
	}
}

void views_step(struct views *v, const struct views_event *ev, struct views_effects *fx)
{
	if (v->end)
		return;
	assert(ev->rank < v->nodes);
	take_event(v, ev, fx);
	if (!v->end)
		views_accept(v, fx);
	while (!v->end) {
		uint32_t number = v->number;

		v->peer[v->self].accuses = views_accused(v);
		views_lead(v, ev->kind == VIEWS_EV_TICK, ev->kind == VIEWS_EV_RETRY, fx);
		if (v->number == number)
			break; /* in another view others may be lost since */
	}
	views_check_lease(v, fx);
}

/* --- what others may know --- */

uint32_t views_number(const struct views *v)
{
	return v->number;
}

const struct vset *views_members(const struct views *v)
{
	return &v->members;
}

uint32_t views_incarnation(const struct views *v, unsigned rank)
{
	return v->peer[rank].incarnation;
}

int views_is_usable(const struct views *v)
{
	return v->usable;
}

int views_has_ended(const struct views *v)
{
	return v->end != VIEWS_LIVES;
}

int views_has_promised(const struct views *v, unsigned rank)
{
	return vset_has(&v->promised, rank);
}

uint32_t views_highest(const struct views *v)
{
	return v->highest;
}

int views_can_go_on(const struct views *v)
{
	struct vset accused = views_accused(v), rest = vset_minus(&v->members, &accused);

	return v->rule == VIEWS_STARTER || views_is_majority(&rest, &v->members);
}

void views_why(const struct views *v, char *text, size_t len)
{
	struct vset accused = views_accused(v), rest = vset_minus(&v->members, &accused);

	switch (v->end) {
	case VIEWS_OUT:
		snprintf(text, len, "the others go on without this node: it was not heard for too long, "
		         "or could not be reached");
		break;
	case VIEWS_MINORITY:
		snprintf(text, len, "of the %u nodes of view %u this one reaches %u, itself included, and "
		         "more than half are needed to go on", vset_count(&v->members), v->number,
		         vset_count(&rest));
		break;
	case VIEWS_SHUNNED:
		snprintf(text, len, "this node cannot reach others, who can reach each other");
		break;
	default: snprintf(text, len, "nothing is wrong"); break;
	}
}
