/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds of those who live (accord.h has why they are so). */
#include "dsm/heap/accord.h"

#include <errno.h>
#include <string.h>

#include "dsm/dsm_survive.h"
#include "dsm/heap/accord_mutant.h"

/* Rounds are numbered without end, modulo 2^32; a view ends some, and each view leaves a node out. */
#define BACK_MOST ACCORD_NODES

static int is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint16_t server(const struct accord *a)
{
	return (uint16_t)__builtin_ctzll(a->members);
}

void accord_open(struct accord *a, const struct accord_out *out, void *ctx, uint16_t self, unsigned nodes)
{
	*a = (struct accord){.out = out,
	                     .ctx = ctx,
	                     .self = self,
	                     .begun = 1,
	                     .view = 1,
	                     .members = ~UINT64_C(0) >> (64 - nodes)};
}

/* --- results, as part of a message --- */

static void put_result(struct accord_msg *m, const struct accord_result *r)
{
	if (!r->is)
		return;
	m->back = (uint8_t)(m->round - r->round);
	m->status = r->status;
	memcpy(m->word, r->word, sizeof m->word);
}

static struct accord_result get_result(const struct accord_msg *m)
{
	struct accord_result r = {.is = m->back != 0};

	if (!r.is)
		return r;
	r.round = m->round - m->back;
	r.status = m->status;
	memcpy(r.word, m->word, sizeof r.word);
	return r;
}

/* --- at each node --- */

static void end(struct accord *a, int status, const uint64_t word[HEAP_WORDS])
{
	a->waits = 0;
	a->passed++;
	a->out->done(a->ctx, status, word);
}

/* What this node knows of the round that a call waits in: 1, and the call has returned. */
static int ends(struct accord *a)
{
	static const uint64_t none[HEAP_WORDS];
	const struct accord_result r = a->newest;

	if (!a->waits || !a->begun || a->shut)
		return 0;
	if (r.is && r.round == a->passed) {
		end(a, r.status, r.word);
		return 1;
	}
	if (!is_before(a->passed, a->floor))
		return 0;
	if (ACCORD_MUTANT(RESULT_OUTLIVED))
		a->newest = (struct accord_result){0};
	end(a, DSM_ERR_VIEW, none);
	return 1;
}

static int take_result(struct accord *a, const struct accord_msg *m)
{
	if (m->round != a->passed || !a->waits)
		return -EPROTO;
	a->newest = (struct accord_result){.is = 1, .round = m->round, .status = m->status};
	memcpy(a->newest.word, m->word, sizeof m->word);
	ends(a);
	return 0;
}

static int take_begin(struct accord *a, const struct accord_msg *m)
{
	const struct accord_result r = get_result(m);

	if (a->begun || is_before(m->round, a->passed))
		return -EPROTO;
	a->begun = 1;
	a->floor = m->round + !ACCORD_MUTANT(VIEW_UNTOLD);
	if (r.is && r.round == a->passed)
		a->newest = r;
	ends(a); /* or there is nobody: no round that somebody waits in goes on */
	return 0;
}

/* --- at who serves --- */

static int take(struct accord *a, uint16_t from, const struct accord_msg *m);

/* The others first: they have the longer way. */
static void tell_all(struct accord *a, const struct accord_msg *m)
{
	for (uint16_t i = ACCORD_NODES; i-- > 0;)
		if (a->members >> i & 1 && i != a->self)
			a->out->send(a->ctx, i, m);
	take(a, a->self, m);
}

static void come_to(struct accord *a, struct accord_msg *m)
{
	const struct accord_part *first = NULL;

	for (uint16_t i = 0; i < ACCORD_NODES; i++) {
		const struct accord_part *p = &a->part[i];

		if (!(a->members >> i & 1))
			continue;
		if (!first)
			memcpy(m->word, p->word, sizeof m->word);
		else if (!round_is_same(p->what, first->what))
			m->status = -EINVAL;
		else if (p->what.op != HEAP_BROADCAST)
			heap_fold(p->what, m->word, p->word);
		else if (p->what.root == i)
			memcpy(m->word, p->word, sizeof m->word);
		first = first ? first : p;
	}
	if (m->status == 0 && first->what.op == HEAP_BROADCAST &&
	    (first->what.root >= ACCORD_NODES || !(a->members >> first->what.root & 1)))
		m->status = DSM_ERR_LOST_DATA; /* with its root */
	if (m->status)
		memset(m->word, 0, sizeof m->word);
}

static int take_come(struct accord *a, uint16_t from, const struct accord_msg *m)
{
	struct accord_msg all = {.kind = ACCORD_RESULT, .view = a->view, .round = m->round};

	if (!a->begun || a->here >> from & 1 || (a->here && a->round != m->round))
		return -EPROTO;
	a->round = m->round;
	a->here |= UINT64_C(1) << from;
	a->part[from].what = round_unpack(m->status);
	memcpy(a->part[from].word, m->word, sizeof m->word);
	if (a->here != a->members)
		return 0;
	a->here = 0;
	come_to(a, &all);
	tell_all(a, &all);
	return 0;
}

static int take_report(struct accord *a, uint16_t from, const struct accord_msg *m)
{
	const struct accord_result r = get_result(m);
	struct accord_msg begin = {.kind = ACCORD_BEGIN, .view = a->view};

	if (a->begun || a->reported >> from & 1 || m->back > BACK_MOST)
		return -EPROTO;
	if (!a->reported || is_before(a->most, m->round))
		a->most = m->round;
	if (r.is && (!a->best.is || is_before(a->best.round, r.round)))
		a->best = r;
	a->reported |= UINT64_C(1) << from;
	if (a->reported != a->members && !ACCORD_MUTANT(BEGUN_EARLY))
		return 0;
	begin.round = ACCORD_MUTANT(OWN_COUNT) ? a->passed : a->most;
	if (!ACCORD_MUTANT(RESULT_UNTOLD))
		put_result(&begin, &a->best);
	tell_all(a, &begin);
	return 0;
}

/* --- messages --- */

static int take(struct accord *a, uint16_t from, const struct accord_msg *m)
{
	const int serves = server(a) == a->self, by_server = from == server(a);

	switch (m->kind) {
	case ACCORD_COME: return serves ? take_come(a, from, m) : -EPROTO;
	case ACCORD_REPORT: return serves ? take_report(a, from, m) : -EPROTO;
	case ACCORD_RESULT: return by_server && a->begun ? take_result(a, m) : -EPROTO;
	case ACCORD_BEGIN: return by_server ? take_begin(a, m) : -EPROTO;
	default: return -EPROTO;
	}
}

/* Of a view to come there is nothing but reports, before this node has entered it. */
static int keep(struct accord *a, uint16_t from, const struct accord_msg *m)
{
	struct accord_part *p = &a->part[from];

	if (m->kind != ACCORD_REPORT || m->view <= p->early_view)
		return -EPROTO;
	if (ACCORD_MUTANT(EARLY_DROPPED))
		return 0;
	p->early_view = m->view;
	p->early = *m;
	return 0;
}

int accord_take(struct accord *a, uint16_t from, const struct accord_msg *m)
{
	if (from >= ACCORD_NODES || !(a->members >> from & 1))
		return -EPROTO;
	if (m->view > a->view)
		return keep(a, from, m);
	if (m->view < a->view && !ACCORD_MUTANT(OLD_TAKEN))
		return 0; /* it has come to nothing */
	return take(a, from, m);
}

/* To who serves, this node perhaps. */
static void tell(struct accord *a, const struct accord_msg *m)
{
	if (server(a) == a->self)
		take(a, a->self, m);
	else
		a->out->send(a->ctx, server(a), m);
}

/* --- events --- */

int accord_call(struct accord *a, struct heap_round what, const uint64_t word[HEAP_WORDS])
{
	struct accord_msg m = {.kind = ACCORD_COME, .view = a->view, .round = a->passed,
	                       .status = round_pack(what)};

	if (a->waits)
		return -EBUSY;
	a->waits = 1;
	memcpy(m.word, word, sizeof m.word);
	if (a->begun && !ends(a) && !is_before(a->passed, a->floor))
		tell(a, &m);
	return 0;
}

static void report(struct accord *a)
{
	struct accord_msg m = {.kind = ACCORD_REPORT, .view = a->view, .round = a->passed};

	if (!ACCORD_MUTANT(RESULT_UNREPORTED))
		put_result(&m, &a->newest);
	tell(a, &m);
}

void accord_view(struct accord *a, uint32_t view, uint64_t members)
{
	a->view = view;
	a->members = members;
	a->begun = 0;
	a->reported = 0;
	a->here = ACCORD_MUTANT(COME_STAYS) ? a->here & members : 0;
	a->best = (struct accord_result){0};
	/* It came while this node could not go by it, and nobody has been told: others may have it. */
	if (a->newest.is && a->newest.round == a->passed && !ACCORD_MUTANT(SHUT_RESULT_COUNTS))
		a->newest = (struct accord_result){0};
	for (uint16_t i = 0; i < ACCORD_NODES; i++) {
		struct accord_part *p = &a->part[i];
		const struct accord_msg early = p->early;

		if (!p->early_view || p->early_view > view)
			continue;
		p->early_view = 0;
		p->early = (struct accord_msg){0};
		if (early.view == view && members >> i & 1)
			take(a, i, &early);
	}
	report(a);
}

void accord_usable(struct accord *a, int usable)
{
	a->shut = !usable;
	ends(a);
}
