/* SPDX-License-Identifier: BSD-2-Clause */
/* Beats, leases and silence (pulse.h). */
#include <assert.h>
#include <string.h>

#include "dsm/views/pulse.h"

#define BEATS 8  /* in the time after which silence is loss; a promise is shorter */
#define RETRY 12 /* beats without a new ballot: VIEWS_EV_RETRY */

struct peer {
	uint64_t heard_ms;
	uint64_t believed_ms; /* until then; 0: not */
	uint64_t promised_ms; /* until then; 0: not */
	uint64_t owed;        /* the time in its beat for which it is promised, and does not know */
};

struct pulse {
	uint32_t nodes, self;
	uint32_t beat_ms, loss_ms, lease_ms, promise_ms;
	uint64_t looked_ms;    /* the last PULSE_EV_TIME */
	uint64_t next_beat_ms;
	uint32_t highest, quiet; /* the highest ballot, and for how many beats it was that */
	uint64_t hopeless_ms;  /* since when too few are heard; 0: enough are */
	uint64_t now_ms;
	struct peer peer[]; /* and struct views behind them */
};

static struct views *views_of(const struct pulse *p)
{
	return (struct views *)&((struct pulse *)p)->peer[p->nodes];
}

const struct views *pulse_views(const struct pulse *p)
{
	return views_of(p);
}

size_t pulse_size(unsigned nodes)
{
	return sizeof(struct pulse) + nodes * sizeof(struct peer) + views_size(nodes);
}

void pulse_init(struct pulse *p, const struct pulse_config *config, uint64_t now_ms)
{
	memset(p, 0, pulse_size(config->views.nodes));
	p->nodes = config->views.nodes;
	p->self = config->views.self;
	p->loss_ms = config->loss_ms;
	p->beat_ms = config->loss_ms / BEATS;
	p->lease_ms = config->loss_ms / BEATS * (BEATS - 1);
	p->promise_ms = p->lease_ms + p->lease_ms / 16;
	p->looked_ms = p->next_beat_ms = p->now_ms = now_ms;
	for (unsigned rank = 0; rank < p->nodes; rank++)
		p->peer[rank].heard_ms = now_ms;
	views_init(views_of(p), &config->views);
}

/* --- what views_step() says --- */

static struct pulse_fx *fx_add(struct pulse_effects *fx, enum views_fx_kind kind, unsigned rank)
{
	struct pulse_fx *e;

	assert(fx->len < fx->cap);
	e = &fx->list[fx->len++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	e->rank = rank;
	return e;
}

static void entered(struct pulse *p)
{
	const struct vset *members = views_members(views_of(p));

	VSET_EACH(rank, members)
		p->peer[rank].promised_ms = p->now_ms + p->promise_ms;
	p->next_beat_ms = p->now_ms; /* they want new promises, too */
}

/* msg: what the step was about, if it was a message. */
static void carry_out(struct pulse *p, const struct views_fx *e, const struct pulse_msg *msg,
                      struct pulse_effects *fx)
{
	struct peer *peer = e->rank < p->nodes ? &p->peer[e->rank] : NULL;
	struct pulse_fx *out;

	switch (e->kind) {
	case VIEWS_FX_PROMISE:
		peer->promised_ms = p->now_ms + p->promise_ms;
		peer->owed = msg->stamp;
		return;
	case VIEWS_FX_BELIEVE:
		if (peer->believed_ms < msg->echo + p->lease_ms)
			peer->believed_ms = msg->echo + p->lease_ms;
		return;
	case VIEWS_FX_VIEW: entered(p); break;
	default: break;
	}
	out = fx_add(fx, e->kind, e->rank);
	out->msg.msg = e->msg;
	if (e->kind == VIEWS_FX_SEND && e->msg.type == VIEWS_BEAT)
		out->msg.stamp = p->now_ms;
}

static void step(struct pulse *p, const struct views_event *ev, const struct pulse_msg *msg,
                 struct pulse_effects *fx)
{
	struct views_fx list[VIEWS_FX_MAX];
	struct views_effects out = { .cap = VIEWS_FX_MAX, .list = list };

	views_step(views_of(p), ev, &out);
	for (unsigned i = 0; i < out.len; i++)
		carry_out(p, &list[i], msg, fx);
}

static void tell(struct pulse *p, enum views_event_kind kind, unsigned rank,
                 struct pulse_effects *fx)
{
	step(p, &(struct views_event){ .kind = kind, .rank = rank, .source = VIEWS_SILENT }, NULL, fx);
}

/* --- time --- */

/* Before anything else is made of an event: a lease that is over is over. */
static void end_promises(struct pulse *p, struct pulse_effects *fx)
{
	for (unsigned rank = 0; rank < p->nodes; rank++) {
		struct peer *peer = &p->peer[rank];

		if (peer->believed_ms && peer->believed_ms <= p->now_ms) {
			peer->believed_ms = 0;
			tell(p, VIEWS_EV_BELIEF_OUT, rank, fx);
		}
		if (peer->promised_ms && peer->promised_ms <= p->now_ms) {
			peer->promised_ms = 0;
			tell(p, VIEWS_EV_PROMISE_OUT, rank, fx);
		}
	}
}

/* Who was not looking has not heard anything either: that is nobody's silence. */
static void forgive(struct pulse *p)
{
	uint64_t gap = p->now_ms - p->looked_ms;

	for (unsigned rank = 0; rank < p->nodes && gap > 2 * p->beat_ms; rank++) {
		uint64_t *heard = &p->peer[rank].heard_ms;

		*heard += gap - p->beat_ms;
		if (*heard > p->now_ms)
			*heard = p->now_ms;
	}
	p->looked_ms = p->now_ms;
}

static void notice_silence(struct pulse *p, struct pulse_effects *fx)
{
	const struct vset members = *views_members(views_of(p));

	VSET_EACH(rank, &members)
		if (rank != p->self && p->now_ms - p->peer[rank].heard_ms >= p->loss_ms) {
			tell(p, VIEWS_EV_SUSPECT, rank, fx);
			p->peer[rank].heard_ms = p->now_ms; /* say it again after another such time */
		}
}

static void notice_minority(struct pulse *p, struct pulse_effects *fx)
{
	if (views_can_go_on(views_of(p)))
		p->hopeless_ms = 0;
	else if (!p->hopeless_ms)
		p->hopeless_ms = p->now_ms;
	else if (p->now_ms - p->hopeless_ms >= p->loss_ms)
		tell(p, VIEWS_EV_GIVE_UP, p->self, fx);
}

static void send_beats(struct pulse *p, struct pulse_effects *fx)
{
	const struct views *v = views_of(p);
	const struct vset *members = views_members(v);
	struct views_msg beat = views_beat(v);

	VSET_EACH(rank, members) {
		struct peer *peer = &p->peer[rank];
		struct pulse_fx *e;

		if (rank == p->self)
			continue;
		e = fx_add(fx, VIEWS_FX_SEND, rank);
		e->msg.msg = beat;
		e->msg.stamp = p->now_ms;
		e->msg.echo = views_has_promised(v, rank) ? peer->owed : 0;
		peer->owed = 0;
	}
	p->next_beat_ms = p->now_ms + p->beat_ms;
}

static void notice_quiet(struct pulse *p, struct pulse_effects *fx)
{
	uint32_t highest = views_highest(views_of(p));

	p->quiet = highest == p->highest ? p->quiet + 1 : 0;
	p->highest = highest;
	if (p->quiet < RETRY)
		return;
	p->quiet = 0;
	tell(p, VIEWS_EV_RETRY, p->self, fx);
}

static void pass_time(struct pulse *p, struct pulse_effects *fx)
{
	forgive(p);
	notice_silence(p, fx);
	notice_minority(p, fx);
	if (p->now_ms < p->next_beat_ms)
		return;
	tell(p, VIEWS_EV_TICK, p->self, fx);
	notice_quiet(p, fx);
	if (!views_has_ended(views_of(p)))
		send_beats(p, fx);
}

/* --- messages --- */

static void take_msg(struct pulse *p, const struct pulse_msg *m, struct pulse_effects *fx)
{
	const struct views *v = views_of(p);
	unsigned from = m->msg.from;

	if (from >= p->nodes || from == p->self || m->msg.incarnation != views_incarnation(v, from))
		return;
	p->peer[from].heard_ms = p->now_ms;
	/* Never of a time that has not come yet, whatever somebody says. */
	if (m->echo && m->echo <= p->now_ms && m->echo + p->lease_ms > p->now_ms)
		step(p, &(struct views_event){ .kind = VIEWS_EV_PROMISED, .rank = from }, m, fx);
	step(p, &(struct views_event){ .kind = VIEWS_EV_MSG, .msg = &m->msg }, m, fx);
}

void pulse_step(struct pulse *p, uint64_t now_ms, const struct pulse_event *ev,
                struct pulse_effects *fx)
{
	if (now_ms > p->now_ms)
		p->now_ms = now_ms;
	if (views_has_ended(views_of(p)))
		return;
	end_promises(p, fx);
	switch (ev->kind) {
	case PULSE_EV_TIME: pass_time(p, fx); break;
	case PULSE_EV_MSG: take_msg(p, ev->msg, fx); break;
	case PULSE_EV_SUSPECT:
	case PULSE_EV_DEAD:
		step(p, &(struct views_event){ .kind = ev->kind == PULSE_EV_DEAD ? VIEWS_EV_DEAD
		                                                                 : VIEWS_EV_SUSPECT,
		                               .rank = ev->rank, .source = ev->source }, NULL, fx);
		p->next_beat_ms = p->now_ms; /* who leads may not know */
		break;
	}
}

uint64_t pulse_next_ms(const struct pulse *p)
{
	uint64_t next = p->next_beat_ms;

	for (unsigned rank = 0; rank < p->nodes; rank++) {
		const struct peer *peer = &p->peer[rank];

		if (peer->believed_ms && peer->believed_ms < next)
			next = peer->believed_ms;
		if (peer->promised_ms && peer->promised_ms < next)
			next = peer->promised_ms;
	}
	return next;
}
