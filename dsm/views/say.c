/* SPDX-License-Identifier: BSD-2-Clause */
/* Appending effects, and what a node says of itself. */
#include <assert.h>
#include <string.h>

#include "dsm/views/state.h"

struct views_fx *views_fx_add(struct views_effects *fx, enum views_fx_kind kind, unsigned rank)
{
	struct views_fx *e;

	assert(fx->len < fx->cap);
	e = &fx->list[fx->len++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	e->rank = rank;
	return e;
}

struct views_msg views_msg(const struct views *v, enum views_msg_type type, uint32_t ballot)
{
	struct views_msg m;

	memset(&m, 0, sizeof m);
	m.type = (uint8_t)type;
	m.from = (uint16_t)v->self;
	m.incarnation = v->peer[v->self].incarnation;
	m.view = v->number;
	m.ballot = ballot;
	return m;
}

void views_send(struct views_effects *fx, unsigned to, const struct views_msg *msg)
{
	views_fx_add(fx, VIEWS_FX_SEND, to)->msg = *msg;
}

void views_say_view(const struct views *v, unsigned to, uint32_t number, const struct vset *members,
                    struct views_effects *fx)
{
	struct views_msg m = views_msg(v, VIEWS_VIEW, 0);

	m.view = number;
	m.set = *members;
	views_send(fx, to, &m);
}

struct views_msg views_beat(const struct views *v)
{
	struct views_msg m = views_msg(v, VIEWS_BEAT, v->highest);

	m.accepted = v->accepted;
	m.accused = views_accused(v);
	return m;
}
