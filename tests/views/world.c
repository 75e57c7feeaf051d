/* SPDX-License-Identifier: BSD-2-Clause */
/* The world: what may happen in it, and what that does. */
#include <string.h>

#include "tests/views/explore.h"

static const struct views *at(const struct v_explorer *x, const struct v_world *w, unsigned node)
{
	return v_local(&x->l, w->local[node]);
}

static unsigned bits(const struct vset *s)
{
	return (unsigned)s->w[0];
}

static int is_for(uint32_t word, unsigned node);

/* Each of the message's type that there is for the node, the newest first. */
static void take_all(struct v_explorer *x, struct v_world *w, unsigned node, unsigned type)
{
	for (unsigned m = w->n_msgs; m-- > 0;)
		if (v_unword(w->msg[m]).type == type && is_for(w->msg[m], node))
			v_apply(x, w, &(struct v_action){ V_TAKE, (uint8_t)node, 0, 0, (uint16_t)m });
}

static void act(struct v_explorer *x, struct v_world *w)
{
	uint8_t deaths = w->deaths, alarms = w->alarms;

	w->deaths = w->alarms = 100;
	for (const struct v_act *a = x->o.before; a->kind; a++)
		if (a->kind == V_TAKE)
			take_all(x, w, a->node, a->other);
		else
			v_apply(x, w, &(struct v_action){ a->kind, a->node, a->other, VIEWS_CUT, 0 });
	w->deaths = deaths;
	w->alarms = alarms;
	w->n_msgs = 0;
}

/* Nodes have met: in a majority's job all have each other's promise. */
void v_world_init(struct v_explorer *x, struct v_world *w)
{
	unsigned n = x->o.nodes;

	memset(w, 0, sizeof *w);
	w->alive = (uint8_t)((1u << n) - 1);
	w->deaths = (uint8_t)x->o.deaths;
	w->alarms = (uint8_t)x->o.alarms;
	for (unsigned i = 0; i < n; i++)
		w->local[i] = v_local_new(&x->l, i, x->o.rule);
	if (x->o.rule != VIEWS_MAJORITY)
		return;
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < n; j++)
			if (i != j) {
				v_apply(x, w, &(struct v_action){ V_BEAT, i, j, 0, 0 });
				v_apply(x, w, &(struct v_action){ V_ACK, j, i, 0, 0 });
			}
	if (x->o.before)
		act(x, w);
}

/* --- what may happen --- */

/* Node would accept a view without other, but for its promise. */
static int waits_for(const struct views *v, unsigned other)
{
	return v->seen && v->seen == v->answered && v->accepted != v->seen &&
	       (v->wanted || vset_has(&v->seen_set, v->self)) && vset_has(&v->members, other) &&
	       !vset_has(&v->seen_set, other) && vset_has(&v->promised, other);
}

static int is_for(uint32_t word, unsigned node)
{
	struct views_msg m = v_unword(word);

	if (m.from == node)
		return 0;
	return (m.type != VIEWS_TELL && m.type != VIEWS_ACCEPT) || BALLOT_RANK(m.ballot) == node;
}

/* A beat of other would bring it a promise that it lacks, or a newer one that makes a difference. */
static int wants_promise(const struct v_explorer *x, const struct v_world *w, unsigned node,
                         unsigned other)
{
	if (x->o.rule != VIEWS_MAJORITY || w->acks[other] >> node & 1)
		return 0;
	if (!vset_has(&at(x, w, other)->believed, node))
		return 1;
	for (unsigned q = 0; q < x->o.nodes; q++)
		if (q != node && w->held[q][other] >> node & 1)
			return 1;
	return 0;
}

static int has_news(const struct v_explorer *x, const struct v_world *w, unsigned node,
                    unsigned other)
{
	const struct views *mine = at(x, w, node), *its = at(x, w, other);
	struct vset accused = views_accused(its);

	return !vset_equal(&mine->peer[other].accuses, &accused) || mine->highest < its->highest ||
	       mine->unfinished < its->accepted || vset_has(&mine->silent, other);
}

static int is_due(const struct v_explorer *x, const struct v_world *w, unsigned node, unsigned giver)
{
	for (unsigned q = 0; q < x->o.nodes; q++)
		if (w->held[q][node] >> giver & 1 && v_lives(x, w, q) && waits_for(at(x, w, q), node))
			return 1;
	return 0;
}

static void add(struct v_action *list, unsigned *n, enum v_kind kind, unsigned node, unsigned other,
                unsigned source, unsigned index)
{
	list[(*n)++] = (struct v_action){ (uint8_t)kind, (uint8_t)node, (uint8_t)other,
		                          (uint8_t)source, (uint16_t)index };
}

static void suspicions(struct v_explorer *x, const struct v_world *w, unsigned i, unsigned j,
                       struct v_action *list, unsigned *n)
{
	const struct views *v = at(x, w, i);
	int lost = !v_lives(x, w, j), starter = x->o.rule == VIEWS_STARTER;

	if (!vset_has(&v->members, j) || (!lost && !w->alarms))
		return;
	if (!lost && x->o.victims && !(x->o.victims >> j & 1))
		return;
	if (lost ? !starter : x->o.cuts)
		if (!vset_has(&v->cut, j))
			add(list, n, V_SUSPECT, i, j, VIEWS_CUT, 0);
	if (!views_is_suspected(v, j) && (!lost || x->o.silence))
		add(list, n, V_SUSPECT, i, j, VIEWS_SILENT, 0);
	if (starter && !(w->alive >> j & 1) && !vset_has(&v->dead, j))
		add(list, n, V_DEAD, i, j, 0, 0);
}

static void pair_actions(struct v_explorer *x, const struct v_world *w, unsigned i, unsigned j,
                         struct v_action *list, unsigned *n)
{
	const struct views *v = at(x, w, i);

	suspicions(x, w, i, j, list, n);
	if (v_lives(x, w, j) && at(x, w, j)->number == v->number &&
	    (has_news(x, w, i, j) || wants_promise(x, w, i, j)))
		add(list, n, V_BEAT, i, j, 0, 0);
	if (w->acks[i] >> j & 1)
		add(list, n, V_ACK, i, j, 0, 0);
	if (vset_has(&v->believed, j) && is_due(x, w, i, j))
		add(list, n, V_BELIEF_OUT, i, j, 0, 0);
	if (waits_for(v, j) && !w->held[i][j])
		add(list, n, V_PROMISE_OUT, i, j, 0, 0);
}

unsigned v_actions(struct v_explorer *x, const struct v_world *w, struct v_action *list)
{
	unsigned n = 0;

	for (unsigned i = 0; i < x->o.nodes; i++) {
		if ((w->alive & w->stop) >> i & 1)
			add(list, &n, V_STOP, i, 0, 0, 0);
		if (!v_lives(x, w, i))
			continue;
		if (w->deaths)
			add(list, &n, V_KILL, i, 0, 0, 0);
		for (unsigned j = 0; j < x->o.nodes; j++)
			if (j != i)
				pair_actions(x, w, i, j, list, &n);
		for (unsigned m = 0; m < w->n_msgs; m++)
			if (is_for(w->msg[m], i))
				add(list, &n, V_TAKE, i, 0, 0, m);
		if (at(x, w, i)->phase != VIEWS_IDLE)
			add(list, &n, at(x, w, i)->highest > at(x, w, i)->ballot ? V_RETRY : V_TICK,
			    i, 0, 0, 0);
		if (!views_can_go_on(at(x, w, i)))
			add(list, &n, V_GIVE_UP, i, 0, 0, 0);
	}
	return n;
}

/* --- what it does --- */

static int send(struct v_explorer *x, struct v_world *w, uint32_t word)
{
	struct views_msg m = v_unword(word), other;
	unsigned place = 0;

	if (m.type == VIEWS_BEAT)
		return 0; /* beats are taken as of now */
	for (unsigned i = 0; i < w->n_msgs; i++) {
		other = v_unword(w->msg[i]);
		if (w->msg[i] == word)
			return 0;
		/* Who says so makes no difference. */
		if (m.type == VIEWS_VIEW && other.type == VIEWS_VIEW && m.view == other.view &&
		    vset_equal(&m.set, &other.set))
			return 0;
		place += w->msg[i] < word;
	}
	if (w->n_msgs == V_MSGS)
		return v_bad(x, "more than %d messages", V_MSGS);
	memmove(w->msg + place + 1, w->msg + place, (w->n_msgs - place) * sizeof *w->msg);
	w->msg[place] = word;
	w->n_msgs++;
	return 0;
}

/* node promises other, whose beat it has taken. */
static void promise(struct v_explorer *x, struct v_world *w, unsigned node, unsigned other, int told)
{
	for (unsigned q = 0; q < x->o.nodes && told; q++)
		w->coming[q][other] &= (uint8_t)~(1u << node);
	if (told)
		w->acks[other] |= (uint8_t)(1u << node);
	/* Also one of before that is still under way. */
	w->coming[node][other] = (uint8_t)((w->acks[other] >> node & 1) << node);
	w->held[node][other] = (uint8_t)(vset_has(&at(x, w, other)->believed, node) << node);
}

static void entered(struct v_explorer *x, struct v_world *w, unsigned node)
{
	for (unsigned i = 0; i < x->o.nodes; i++) {
		w->held[node][i] = (uint8_t)bits(&at(x, w, i)->believed);
		w->coming[node][i] = w->acks[i];
	}
}

/* With no alarm nobody ends but a true minority. */
static int ended(struct v_explorer *x, struct v_world *w, unsigned node)
{
	const struct views *v = at(x, w, node);
	struct vset living = { { w->alive } };

	w->alive &= (uint8_t)~(1u << node);
	if (x->o.alarms)
		return 0;
	if (v->end != VIEWS_MINORITY)
		return v_bad(x, "node %u ends (%u), whom nobody suspected without reason", node, v->end);
	if (views_is_majority(&living, &v->members))
		return v_bad(x, "node %u gives up, but a majority lives", node);
	return 0;
}

static int effects(struct v_explorer *x, struct v_world *w, unsigned node, uint32_t list, int told)
{
	unsigned n;
	const struct v_fx *fx = v_list(&x->l, list, &n);
	int rc = 0;

	for (unsigned i = 0; i < n && rc == 0; i++)
		switch (fx[i].kind) {
		case VIEWS_FX_SEND: rc = send(x, w, fx[i].word); break;
		case VIEWS_FX_VIEW: entered(x, w, node); break;
		case VIEWS_FX_PROMISE: promise(x, w, node, fx[i].rank, told); break;
		case VIEWS_FX_BELIEVE:
			for (unsigned q = 0; q < x->o.nodes; q++) {
				unsigned bit = 1u << fx[i].rank;

				w->held[q][node] &= (uint8_t)~bit;
				w->held[q][node] |= (uint8_t)(w->coming[q][node] & bit);
			}
			break;
		case VIEWS_FX_STOP: w->stop |= (uint8_t)(w->alive & fx[i].word); break;
		case VIEWS_FX_END: rc = ended(x, w, node); break;
		default: break;
		}
	return rc;
}

/* What makes no difference any more is not told apart. */
static void tidy(struct v_explorer *x, struct v_world *w)
{
	for (unsigned i = 0; i < x->o.nodes; i++) {
		const struct views *v = at(x, w, i);
		int lives = v_lives(x, w, i);

		w->acks[i] &= lives ? (uint8_t)bits(&v->members) : 0;
		w->stop &= w->alive;
		for (unsigned q = 0; q < x->o.nodes; q++) {
			int in_force = lives && v_lives(x, w, q) &&
			               vset_has(&at(x, w, q)->promised, i);

			w->held[q][i] &= in_force ? (uint8_t)bits(&v->believed) : 0;
			w->coming[q][i] &= in_force ? w->acks[i] : 0;
		}
	}
}

static int step(struct v_explorer *x, struct v_world *w, unsigned node, uint64_t event, int told)
{
	struct v_step s = v_local_step(&x->l, w->local[node], event);
	const struct views *v = v_local(&x->l, s.to);

	if (v->highest / VIEWS_NODES_MAX > x->o.rounds)
		return 2;
	w->local[node] = s.to;
	return effects(x, w, node, s.list, told);
}

static int apply(struct v_explorer *x, struct v_world *w, const struct v_action *a)
{
	unsigned bit = 1u << a->other;
	struct views_msg beat;
	uint64_t e;
	int told;

	switch (a->kind) {
	case V_KILL: w->deaths--; /* fall through */
	case V_STOP: w->alive &= (uint8_t)~(1u << a->node); return 1;
	case V_SUSPECT:
		if (v_lives(x, w, a->other))
			w->alarms--;
		return step(x, w, a->node, v_event(VIEWS_EV_SUSPECT, a->other, a->source, 0), 0);
	case V_DEAD: return step(x, w, a->node, v_event(VIEWS_EV_DEAD, a->other, 0, 0), 0);
	case V_TAKE:
		return step(x, w, a->node, v_event(VIEWS_EV_MSG, 0, 0, w->msg[a->index]), 0);
	case V_TICK: return step(x, w, a->node, v_event(VIEWS_EV_TICK, 0, 0, 0), 0);
	case V_RETRY: return step(x, w, a->node, v_event(VIEWS_EV_RETRY, 0, 0, 0), 0);
	case V_BEAT:
		told = wants_promise(x, w, a->node, a->other);
		beat = views_beat(at(x, w, a->other));
		return step(x, w, a->node, v_event(VIEWS_EV_MSG, 0, 0, v_word(&beat)), told);
	case V_ACK:
		e = v_event(VIEWS_EV_PROMISED, a->other, 0, 0);
		told = step(x, w, a->node, e, 0);
		w->acks[a->node] &= (uint8_t)~bit;
		return told;
	case V_BELIEF_OUT:
		for (unsigned q = 0; q < x->o.nodes; q++)
			w->held[q][a->node] &= (uint8_t)~bit;
		return step(x, w, a->node, v_event(VIEWS_EV_BELIEF_OUT, a->other, 0, 0), 0);
	case V_PROMISE_OUT:
		/* What is still under way of that time comes too late. */
		w->acks[a->other] &= (uint8_t)~w->coming[a->node][a->other];
		return step(x, w, a->node, v_event(VIEWS_EV_PROMISE_OUT, a->other, 0, 0), 0);
	default: return step(x, w, a->node, v_event(VIEWS_EV_GIVE_UP, 0, 0, 0), 0);
	}
}

int v_apply(struct v_explorer *x, struct v_world *w, const struct v_action *a)
{
	int rc = apply(x, w, a);

	if (rc < 0 || rc == 2)
		return rc;
	tidy(x, w);
	return 1;
}
