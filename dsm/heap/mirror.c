/* SPDX-License-Identifier: BSD-2-Clause */
/* Who serves, and who follows (mirror.h). */
#include "dsm/heap/mirror.h"

#include <errno.h>
#include <stdlib.h>

#include "dsm/dsm_survive.h"
#include "dsm/heap/heap.h"

#define COPY_STEPS 64   /* changes of a copy at a time */
#define HELD_FIRST 64   /* answers that there is room for at first */

static int is_behind(const struct mirror *m)
{
	return m->copying || m->acked < m->sent;
}

/* --- answers --- */

static int held_grow(struct mirror *m)
{
	const size_t cap = m->cap ? 2 * m->cap : HELD_FIRST;
	struct mirror_held *more = malloc(cap * sizeof *more);

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < m->len; i++)
		more[i] = m->held[(m->head + i) % m->cap];
	free(m->held);
	m->held = more;
	m->cap = cap;
	m->head = 0;
	return 0;
}

/* While a copy is under way, an answer waits for all of that. */
void mirror_on_answer(void *mirror, const struct names_waiter *to, int status,
                      const uint64_t arg[3])
{
	struct mirror *m = mirror;

	if (!is_behind(m)) {
		m->out->answer(m->ctx, to, status, arg);
		return;
	}
	if (m->len == m->cap && held_grow(m)) {
		m->out->fail(m->ctx);
		return;
	}
	m->held[(m->head + m->len++) % m->cap] = (struct mirror_held){
	        .after = m->copying ? UINT64_MAX : m->sent, .to = *to, .status = status, .arg = {arg[0], arg[1], arg[2]}};
}

static void let_go(struct mirror *m)
{
	while (m->len && (m->held[m->head].after <= m->acked || m->deputy == MIRROR_NOBODY)) {
		const struct mirror_held h = m->held[m->head];

		m->head = (m->head + 1) % m->cap;
		m->len--;
		m->out->answer(m->ctx, &h.to, h.status, h.arg);
	}
}

/* All wait for so many changes. */
static void hold_until(struct mirror *m, uint64_t after)
{
	for (size_t i = 0; i < m->len; i++)
		m->held[(m->head + i) % m->cap].after = after;
}

/* --- changes --- */

static void send(struct mirror *m, const struct served_change *c)
{
	m->sent++;
	m->out->send(m->ctx, m->deputy, c);
}

void mirror_on_change(void *mirror, const struct served_change *c)
{
	struct mirror *m = mirror;

	if (m->deputy != MIRROR_NOBODY)
		send(m, c);
}

static void copy_begin(struct mirror *m)
{
	const struct served_change c = {.kind = SERVED_COPY};

	m->copying = 1;
	m->copied = (struct served_cursor){0};
	hold_until(m, UINT64_MAX);
	send(m, &c);
}

int mirror_go_on(struct mirror *m)
{
	struct served_change c;

	for (int i = 0; m->copying && i < COPY_STEPS; i++) {
		if (m->sent - m->acked >= MIRROR_WINDOW)
			return 0;
		if (!served_copy(&m->served, &m->copied, &c)) {
			c = (struct served_change){.kind = SERVED_COPIED};
			m->copying = 0;
		}
		send(m, &c);
		if (!m->copying)
			hold_until(m, m->sent);
	}
	return m->copying;
}

void mirror_acked(struct mirror *m, uint16_t from, uint64_t taken)
{
	if (from != m->deputy || taken > m->sent || taken < m->acked)
		return;
	m->acked = taken;
	let_go(m);
}

/* --- following --- */

int mirror_follow(struct mirror *m, uint16_t from, const struct served_change *c)
{
	int rc;

	/* Of who has served before, which this node has not cut off yet. */
	if (m->serves || (from != m->source && c->kind != SERVED_COPY))
		return 0;
	if (from != m->source)
		m->taken = m->told = 0;
	m->source = from;
	if (c->kind == SERVED_COPY)
		m->whole = 0;
	rc = c->kind == SERVED_COPIED ? 0 : served_follow(&m->served, c);
	if (rc)
		return rc;
	if (c->kind == SERVED_COPIED)
		m->whole = 1;
	m->taken++;
	return 0;
}

void mirror_ack(struct mirror *m)
{
	if (m->serves || m->taken == m->told)
		return;
	m->told = m->taken;
	m->out->ack(m->ctx, m->source, m->taken);
}

/* --- serving --- */

int mirror_ask(struct mirror *m, const struct names_waiter *who, const struct coh_svc *svc)
{
	static const uint64_t nothing[3];

	if (!m->serves || m->copying || m->sent - m->acked >= MIRROR_WINDOW)
		return -EAGAIN;
	if (m->whole)
		served_ask(&m->served, who, svc);
	else if (svc->op != SVC_LOOKUP_CANCEL) /* that lookup has been answered */
		mirror_on_answer(m, who, DSM_ERR_LOST_DATA, nothing);
	return 0;
}

static uint16_t lowest(uint64_t living)
{
	return living ? (uint16_t)__builtin_ctzll(living) : MIRROR_NOBODY;
}

/* The dead are forgotten before there is a new deputy, which gets what is left. */
static void serve(struct mirror *m, uint64_t living)
{
	const uint16_t deputy = lowest(living & (living - 1));
	const int is_new = m->copying || deputy != m->deputy;

	m->serves = 1;
	if (!m->whole)
		return;
	if (deputy != m->deputy)
		m->sent = m->acked = 0;
	if (is_new) {
		m->deputy = MIRROR_NOBODY;
		m->copying = deputy != MIRROR_NOBODY; /* what is answered waits for it */
	}
	served_bury(&m->served, living);
	m->deputy = deputy;
	if (m->copying)
		copy_begin(m);
	let_go(m);
}

void mirror_view(struct mirror *m, uint64_t living)
{
	if (lowest(living) == m->self)
		serve(m, living);
}

/* --- its life --- */

int mirror_open(struct mirror *m, uint16_t self, unsigned nodes, int survives,
                const struct served_out *served)
{
	m->served.out = served;
	m->served.ctx = m;
	m->self = self;
	m->serves = self == 0;
	m->deputy = survives && self == 0 && nodes > 1 ? 1 : MIRROR_NOBODY;
	m->source = survives && self == 1 ? 0 : MIRROR_NOBODY;
	m->whole = m->serves || m->source == 0;
	return m->whole ? served_open(&m->served) : 0;
}

void mirror_close(struct mirror *m)
{
	served_close(&m->served);
	free(m->held);
	m->held = NULL;
	m->cap = m->len = m->head = 0;
}
