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

/* --- pages --- */

static void have_access(unsigned node, unsigned page, uint8_t access)
{
	s.node[node].access[page] = access;
	for (unsigned i = 0; i < s.nodes; i++)
		if (i != node && s.node[i].access[page] && access &&
		    (access == COH_WRITE || s.node[i].access[page] == COH_WRITE))
			fail("nodes %u and %u have page %u, and one may write", node, i, page);
}

/* Which of these pages this home knows to be lost: a bit each; all that it is about to learn of. */
static unsigned lost_here(unsigned node)
{
	struct coh_page_info info;
	unsigned lost = 0;

	if (coh_is_rebuilding(s.node[node].coh) || s.node[node].entering)
		return (1u << PAGES) - 1;
	for (unsigned p = 0; p < PAGES; p++) {
		coh_page_info(s.node[node].coh, first_page() + p, &info);
		lost |= (unsigned)(info.is_home && info.dir_stable == COH_D_LOST) << p;
	}
	return lost;
}

static void make_anew(unsigned page)
{
	s.renewed++;
	if (!(s.was_lost >> page & 1))
		fail("page %u is made anew, and was not lost", page);
	for (unsigned i = 0; i < s.nodes; i++)
		if (s.node[i].access[page])
			fail("page %u is made anew, and node %u has it", page, i);
}

static void has_renewed(unsigned node, const struct thread *t, const struct coh_effect *e)
{
	if ((t->view != coh_view(s.node[node].coh) || s.node[node].entering) != (e->status == -ESTALE))
		fail("node %u: a renewal of view %u ends with %d", node, t->view, e->status);
	for (unsigned p = t->page; p < t->page + e->n; p++)
		for (unsigned i = 0; i < s.nodes; i++)
			if (!s.node[i].dead && s.node[i].refused[p] &&
			    coh_view(s.node[i].coh) == coh_view(s.node[node].coh))
				fail("node %u has renewed page %u, and node %u takes it for lost", node, p, i);
}

static void wake(unsigned node, unsigned page)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct thread *t = &s.node[node].thread[i];
		if (t->state != TOUCHES || t->page != page)
			continue;
		t->state = IDLE;
		s.count[TOUCHES]++;
	}
}

/* Of one of those pages. */
static void page_effect(unsigned node, const struct coh_effect *e, unsigned page)
{
	switch (e->kind) {
	case COH_FX_SET_ACCESS: have_access(node, page, e->access); return;
	case COH_FX_WAKE: wake(node, page); return;
	case COH_FX_LOST:
		s.lost++;
		s.node[node].refused[page] = 1;
		return;
	case COH_FX_RENEWED: s.node[node].refused[page] = 0; return;
	case COH_FX_DISCARD_FRAME: make_anew(page); return;
	default: return;
	}
}

/* As a message; it lands where whoever it is for is still in its sender's view. */
static void move(unsigned node, const struct coh_effect *e)
{
	struct coh_msg m = { .type = COH_MSG_SVC_REQ, .view = coh_view(s.node[node].coh) };

	m.svc.arg[0] = e->tag;
	send(node, e->node, &m);
}

static int land(unsigned to, const struct coh_msg *m)
{
	const struct coh_event ev = { .kind = COH_EV_LANDED, .tag = (uint32_t)m->svc.arg[0] };

	return m->view == coh_view(s.node[to].coh) ? step(to, &ev) : 0;
}

static void complete(unsigned node, const struct coh_effect *e)
{
	unsigned thread = (unsigned)e->cookie - 1;
	int status = e->status;
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
	case RENEWS: has_renewed(node, t, e); return;
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
		case COH_FX_MOVE: move(node, e); break;
		case COH_FX_COMPLETE: complete(node, e); break;
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
		default:
			for (uint64_t p = e->page; p < e->page + e->n; p++)
				if (p >= first_page() && p < first_page() + PAGES)
					page_effect(node, e, (unsigned)(p - first_page()));
		}
	}
}

int step(unsigned node, const struct coh_event *ev)
{
	struct node *n = &s.node[node];
	const char *wrong = NULL;
	int rc;

	s.was_lost = lost_here(node);
	rc = coh_step(n->coh, ev, &s.fx);
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
	rc = ev.msg.type == COH_MSG_SVC_REQ ? land(to, &ev.msg) : step(to, &ev);
	if (rc == -EAGAIN)
		return; /* of a view to come */
	if (rc)
		fail("node %u refuses %s of node %u: %d", to, coh_msg_name(ev.msg.type), from, rc);
	q->head++;
	q->len--;
}
