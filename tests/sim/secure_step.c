/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of tests/sim/secure, and the values that are read and written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/secure.h"

/* --- values --- */

static void settle(const uint32_t *at_least)
{
	for (unsigned p = 0; p < SECURE; p++)
		if (at_least[p] > s.floor[p] && at_least[p] > s.renewed[p])
			s.floor[p] = at_least[p];
}

void look(unsigned node, unsigned page)
{
	uint32_t v = s.node[node].frame[page], last = s.last[page];

	s.reads++;
	if (v && v <= s.renewed[page])
		fail("node %u finds write %u in page %u, which was made anew since", node, v, page);
	if (page < SECURE && v < s.floor[page])
		fail("node %u finds write %u in page %u, of which write %u was seen", node, v, page,
		     s.floor[page]);
	if (v != last && (!last || !s.node[s.writer[last]].dead || page >= SECURE))
		fail("node %u finds write %u in page %u, where write %u is the last one", node, v, page, last);
	if (v > last)
		fail("node %u finds write %u in page %u, which had gone", node, v, page);
	s.fell += v != last;
	s.last[page] = v;
	if (v && s.writer[v] != node)
		settle(s.seen[v]);
}

void write_page(unsigned node, unsigned page)
{
	struct node *n = &s.node[node];
	uint32_t v = ++s.clock;

	if (v == WRITES)
		fail("too many writes for the test");
	n->frame[page] = s.last[page] = v;
	s.writer[v] = (uint8_t)node;
	if (page < SECURE)
		n->wrote[page] = v;
	memcpy(s.seen[v], n->wrote, sizeof n->wrote);
}

/* --- effects --- */

static void send(unsigned from, const struct coh_effect *e)
{
	struct queue *q = &s.wire[from][e->node];

	s.messages++;
	s.copies += e->msg.type == COH_MSG_COPIED;
	if (s.node[e->node].dead)
		return;
	if (q->head + q->len == q->cap) {
		if (q->head)
			memmove(q->msg, q->msg + q->head, q->len * sizeof *q->msg);
		q->head = 0;
		if (2 * q->len >= q->cap && !(q->msg = realloc(q->msg, (q->cap = 2 * q->cap + 16) *
		                                                                sizeof *q->msg)))
			fail("no memory");
	}
	q->msg[q->head + q->len++] = e->msg;
}

static void move(unsigned from, const struct coh_effect *e)
{
	if (s.node[e->node].dead)
		return;
	if (s.n_moves % 256 == 0 &&
	    !(s.move = realloc(s.move, (s.n_moves + 256) * sizeof *s.move)))
		fail("no memory");
	if (e->n != 1)
		fail("a run of %u leaves", e->n);
	s.move[s.n_moves++] = (struct move){ .from = from,
		                             .to = e->node,
		                             .page = e->page,
		                             .view = coh_view(s.node[from].coh),
		                             .tag = e->tag };
}

static void give_back(unsigned node, uint64_t page)
{
	for (unsigned i = 0; i < s.n_moves; i++)
		if (s.move[i].from == node && s.move[i].page == page)
			return;
	if (below(2))
		s.node[node].frame[page] = 0;
}

/* At its home: from now on the page is zero. */
static void made_anew(unsigned node, unsigned page)
{
	for (unsigned i = 0; i < s.nodes; i++)
		if (!s.node[i].dead && s.node[i].access[page])
			fail("page %u is made anew, and node %u may use it", page, i);
	s.node[node].frame[page] = 0;
	s.last[page] = 0;
	s.renewed[page] = s.clock;
	if (page < SECURE)
		s.floor[page] = 0;
	s.renewals++;
}

static void told_lost(unsigned node, unsigned page)
{
	struct node *n = &s.node[node];

	s.lost++;
	if (page < SECURE && !s.any)
		fail("page %u is lost", page);
	n->refused[page] = 1;
	for (unsigned t = 0; t < THREADS; t++) /* told, it wants another one */
		if (n->thread[t].page == page)
			n->thread[t].page = (uint8_t)below(PAGES), n->thread[t].waits = 0;
}

static void complete(unsigned node, const struct coh_effect *e)
{
	struct node *n = &s.node[node];

	if (e->cookie == RENEW_COOKIE) {
		if (!n->renews || (e->status && e->status != -ESTALE))
			fail("node %u: a renewal ends with %d", node, e->status);
		n->renews = 0;
		return;
	}
	if (!n->calls || e->status)
		fail("node %u: an answer that nobody waits for", node);
	n->calls = 0;
	s.told++;
	settle(n->told);
}

static void set_access(unsigned node, unsigned page, unsigned access)
{
	if (access && s.node[node].refused[page])
		fail("node %u may use page %u, which it was told is lost", node, page);
	s.node[node].access[page] = (uint8_t)access;
}

static void carry_out(unsigned node)
{
	struct node *n = &s.node[node];

	for (uint32_t i = 0; i < s.fx.len; i++) {
		const struct coh_effect *e = &s.fx.list[i];
		for (unsigned k = 0; k < e->n && e->page + k < PAGES; k++)
			if (e->kind == COH_FX_SET_ACCESS)
				set_access(node, (unsigned)e->page + k, e->access);
			else if (e->kind == COH_FX_TAKE)
				n->frame[e->page] = n->stage[e->page];
			else if (e->kind == COH_FX_ZERO_FRAME)
				n->frame[e->page + k] = 0;
			else if (e->kind == COH_FX_DROP_FRAME)
				give_back(node, e->page + k);
			else if (e->kind == COH_FX_DISCARD_FRAME)
				made_anew(node, (unsigned)e->page + k);
			else if (e->kind == COH_FX_RENEWED)
				n->refused[e->page + k] = 0;
			else if (e->kind == COH_FX_LOST)
				told_lost(node, (unsigned)e->page + k);
		for (unsigned t = 0; t < THREADS && e->kind == COH_FX_WAKE; t++)
			if (n->thread[t].page - e->page < e->n)
				n->thread[t].waits = 0;
		if (e->kind == COH_FX_SEND)
			send(node, e);
		if (e->kind == COH_FX_MOVE)
			move(node, e);
		if (e->kind == COH_FX_COMPLETE)
			complete(node, e);
	}
}

int step(unsigned node, const struct coh_event *ev)
{
	const char *wrong = NULL;
	int rc = coh_step(s.node[node].coh, ev, &s.fx);

	if (rc)
		return rc;
	if (rng_one_in(&s.rng, 16))
		wrong = coh_invariant(s.node[node].coh);
	if (wrong)
		fail("node %u: %s", node, wrong);
	carry_out(node);
	return 0;
}
