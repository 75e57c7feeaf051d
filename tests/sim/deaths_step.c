/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of tests/sim/deaths: a core is stepped, what it says is carried out and checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/deaths.h"

/* --- messages --- */

static void put(struct queue *q, const struct coh_msg *m)
{
	if (q->head + q->len == q->cap) {
		if (q->head)
			memmove(q->msg, q->msg + q->head, q->len * sizeof *q->msg);
		q->head = 0;
		if (2 * q->len >= q->cap) {
			q->cap = q->cap ? 2 * q->cap : 16;
			q->msg = realloc(q->msg, q->cap * sizeof *q->msg);
			if (!q->msg)
				fail("no memory");
		}
	}
	q->msg[q->head + q->len++] = *m;
}

static void send(unsigned from, unsigned to, const struct coh_msg *m)
{
	s.messages++;
	s.reports += m->type == COH_MSG_REPORT;
	if (!s.node[to].dead)
		put(&s.wire[from][to], m);
}

/* --- what is answered --- */

static void have_mutex(unsigned node, unsigned thread, struct thread *t, int orphan)
{
	if (s.holder[t->mutex])
		fail("mutex %u has a second holder", t->mutex);
	if (orphan ? s.living == s.nodes : s.orphan[t->mutex])
		fail("node %u is %s of a dead holder", node, orphan ? "told" : "not told");
	s.orphan[t->mutex] = 0;
	s.holder[t->mutex] = (int)(node * THREADS + thread + 1);
	t->state = HOLDS;
}

static void leave_barrier(unsigned node)
{
	for (unsigned i = 0; i < s.nodes; i++)
		if (!s.node[i].dead && s.node[i].arrived < s.node[node].arrived)
			fail("node %u leaves a barrier before node %u has come", node, i);
}

static void complete(unsigned node, uint64_t cookie, int status)
{
	unsigned thread = (unsigned)cookie - 1;
	struct thread *t = &s.node[node].thread[thread];
	unsigned was = t->state;

	s.count[was]++;
	t->state = IDLE;
	switch (was) {
	case LOCKS_IT:
	case WAITS:
	case TRIES:
		if (status == 0 || status == -EOWNERDEAD)
			have_mutex(node, thread, t, status != 0);
		else if (was != TRIES || status != -EBUSY)
			fail("node %u: a lock ends with %d", node, status);
		return;
	case COMES: leave_barrier(node); return;
	case SLEEPS:
	case WAKES:
		if (status == -ESTALE && t->view == coh_view(s.node[node].coh) && !s.node[node].entering)
			fail("node %u: a wait or wake ends with a view that has not ended", node);
		return;
	default: fail("node %u: an answer that nobody waits for", node);
	}
}

/* --- steps --- */

static void carry_out(unsigned node)
{
	struct node *n = &s.node[node];

	for (uint32_t i = 0; i < s.fx.len; i++) {
		const struct coh_effect *e = &s.fx.list[i];
		struct coh_msg m = { .type = COH_MSG_COMPARED, .n = 1, .page = e->page };
		m.view = coh_view(n->coh);
		switch (e->kind) {
		case COH_FX_SEND: send(node, e->node, &e->msg); break;
		case COH_FX_COMPLETE: complete(node, e->cookie, e->status); break;
		case COH_FX_COMPARE:
			m.futex.value = s.word[e->page % WORDS] == e->futex.value;
			if (e->node != node)
				send(node, e->node, &m);
			else if (n->n_told < 8)
				n->told[n->n_told++] = (struct coh_event){ .kind = COH_EV_COMPARED,
					                                   .page = e->page,
					                                   .view = m.view,
					                                   .futex = m.futex };
			else
				fail("too many comparisons at once");
			break;
		default: break;
		}
	}
}

int step(unsigned node, const struct coh_event *ev)
{
	struct node *n = &s.node[node];
	const char *wrong = NULL;
	int rc = coh_step(n->coh, ev, &s.fx);

	if (rc)
		return rc;
	if (rng_one_in(&s.rng, 16))
		wrong = coh_invariant(n->coh);
	if (wrong)
		fail("node %u: %s", node, wrong);
	carry_out(node);
	return 0;
}

void deliver(unsigned from, unsigned to)
{
	struct queue *q = &s.wire[from][to];
	struct coh_event ev = { .kind = COH_EV_MSG, .from = (coh_node)from };
	int rc;

	if (!q->len || s.node[to].dead)
		return;
	ev.msg = q->msg[q->head];
	rc = step(to, &ev);
	if (rc == -EAGAIN)
		return; /* of a view to come */
	if (rc)
		fail("node %u refuses %s of node %u: %d", to, coh_msg_name(ev.msg.type), from, rc);
	q->head++;
	q->len--;
}
