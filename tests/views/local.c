/* SPDX-License-Identifier: BSD-2-Clause */
/* States of one node, by number, and steps that are remembered. */
#include <stdlib.h>
#include <string.h>

#include "tests/views/explore.h"

/* A message in 32 bits: type 3, from 3, view 3, ballot 6, accepted 6, set 5, accused 5. */
static uint32_t ballot_bits(uint32_t ballot)
{
	return ballot ? ballot / VIEWS_NODES_MAX * 8 + ballot % VIEWS_NODES_MAX : 0;
}

static uint32_t ballot_of(uint32_t bits)
{
	return bits ? bits / 8 * VIEWS_NODES_MAX + bits % 8 : 0;
}

uint32_t v_word(const struct views_msg *m)
{
	return m->type | (uint32_t)m->from << 3 | (m->view & 7) << 6 | ballot_bits(m->ballot) << 9 |
	       ballot_bits(m->accepted) << 15 | (uint32_t)m->set.w[0] << 21 |
	       (uint32_t)m->accused.w[0] << 26;
}

struct views_msg v_unword(uint32_t word)
{
	struct views_msg m;

	memset(&m, 0, sizeof m);
	m.type = word & 7;
	m.from = word >> 3 & 7;
	m.view = word >> 6 & 7;
	m.ballot = ballot_of(word >> 9 & 63);
	m.accepted = ballot_of(word >> 15 & 63);
	m.set.w[0] = word >> 21 & 31;
	m.accused.w[0] = word >> 26 & 31;
	return m;
}

uint64_t v_event(enum views_event_kind kind, unsigned rank, enum views_source source, uint32_t word)
{
	return (uint64_t)kind << 60 | (uint64_t)rank << 50 | (uint64_t)source << 40 | word;
}

void v_locals_open(struct v_locals *l, unsigned nodes)
{
	memset(l, 0, sizeof *l);
	l->nodes = nodes;
	l->size = views_size(nodes);
	l->memo_mask = (1u << 16) - 1;
	l->memo = x_map((l->memo_mask + 1) * sizeof *l->memo);
	x_intern(&l->lists, "", 0);
}

void v_locals_close(struct v_locals *l)
{
	x_intern_free(&l->states);
	x_intern_free(&l->lists);
	x_unmap(l->memo, (l->memo_mask + 1) * sizeof *l->memo);
}

uint32_t v_local_new(struct v_locals *l, unsigned self, enum views_rule rule)
{
	struct views_config config = { .nodes = l->nodes, .self = self, .rule = rule };
	struct views *v = calloc(1, l->size);
	uint32_t number;

	views_init(v, &config);
	number = x_intern(&l->states, v, (uint32_t)l->size);
	free(v);
	return number;
}

const struct views *v_local(const struct v_locals *l, uint32_t local)
{
	return (const void *)l->states.item[local].bytes;
}

const struct v_fx *v_list(const struct v_locals *l, uint32_t list, unsigned *n)
{
	*n = l->lists.item[list].len / sizeof(struct v_fx);
	return (const void *)l->lists.item[list].bytes;
}

static struct v_step step_anew(struct v_locals *l, uint32_t local, uint64_t event)
{
	static struct views_fx list[VIEWS_FX_MAX];
	static union {
		struct views v;
		uint8_t bytes[sizeof(struct views) + V_NODES * sizeof(struct views_peer)];
	} u;
	struct views_effects fx = { .cap = VIEWS_FX_MAX, .list = list };
	struct views_msg m = v_unword((uint32_t)event);
	struct views_event ev = { .kind = event >> 60, .rank = event >> 50 & 7,
		                  .source = event >> 40 & 7, .msg = &m };
	struct v_fx out[VIEWS_FX_MAX];
	struct v_step step;

	memcpy(u.bytes, l->states.item[local].bytes, l->size);
	views_step(&u.v, &ev, &fx);
	memset(out, 0, sizeof out);
	for (unsigned i = 0; i < fx.len; i++) {
		out[i].kind = (uint8_t)list[i].kind;
		out[i].rank = list[i].rank == VIEWS_ALL ? 0xff : (uint8_t)list[i].rank;
		if (list[i].kind == VIEWS_FX_SEND)
			out[i].word = v_word(&list[i].msg);
		if (list[i].kind == VIEWS_FX_STOP)
			out[i].word = (uint32_t)list[i].msg.set.w[0];
	}
	step.to = x_intern(&l->states, u.bytes, (uint32_t)l->size);
	step.list = x_intern(&l->lists, out, fx.len * (uint32_t)sizeof *out);
	l->steps++;
	return step;
}

static struct v_memo *memo_at(struct v_memo *memo, uint64_t mask, uint32_t local, uint64_t event)
{
	uint64_t at = x_mix(event * 31 + local + 1) & mask;

	while (memo[at].used && (memo[at].from != local || memo[at].event != event))
		at = (at + 1) & mask;
	return &memo[at];
}

static void memo_grow(struct v_locals *l)
{
	uint64_t mask = 2 * l->memo_mask + 1;
	struct v_memo *memo = x_map((mask + 1) * sizeof *memo);

	for (uint64_t i = 0; i <= l->memo_mask; i++)
		if (l->memo[i].used)
			*memo_at(memo, mask, l->memo[i].from, l->memo[i].event) = l->memo[i];
	x_unmap(l->memo, (l->memo_mask + 1) * sizeof *l->memo);
	l->memo = memo;
	l->memo_mask = mask;
}

struct v_step v_local_step(struct v_locals *l, uint32_t local, uint64_t event)
{
	struct v_memo *m;
	struct v_step step;

	if (2 * l->memo_len > l->memo_mask)
		memo_grow(l);
	m = memo_at(l->memo, l->memo_mask, local, event);
	if (m->used)
		return (struct v_step){ m->to, m->list };
	step = step_anew(l, local, event);
	*m = (struct v_memo){ event, local, 1, step.to, step.list };
	l->memo_len++;
	return step;
}
