/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that wait for a page to have another version than they know, as for a word; threads that
 * wake them; and what must hold of both: who sleeps when a wake begins is woken before it ends,
 * unless it has woken as many as it may; in the order in which they fell asleep; and a wake tells
 * of nobody else.
 */
#include <errno.h>
#include <string.h>

#include "tests/sim/sim.h"

static uint32_t page_of(const struct thread *t)
{
	return t->op.touch[0].page;
}

static int sleeps_for(const struct thread *t, uint32_t page)
{
	return t->op.kind == OP_FUTEX_WAIT && t->waits == SIM_WAIT_SLEEPS && page_of(t) == page;
}

/* --- calls --- */

void futex_try(struct sim *s, struct thread *t)
{
	int waits = t->op.kind == OP_FUTEX_WAIT;
	struct coh_event ev;
	int rc;

	memset(&ev, 0, sizeof ev);
	ev.kind = waits ? COH_EV_FUTEX_WAIT : COH_EV_FUTEX_WAKE;
	ev.page = page_of(t);
	ev.cookie = THREAD_COOKIE(s, t);
	/* An older version now and then. */
	ev.futex.value = waits ? s->pages[ev.page].version - t->op.value : t->op.value;
	t->state = TH_WAIT;
	t->faulted = 1;
	t->waits = waits ? SIM_WAIT_ASKED : SIM_WAIT_NONE;
	t->cancelled = 0;
	t->slot = UINT16_MAX;
	t->order = ++s->sleeps;
	s->asking = t;
	rc = node_step(s, t->node, &ev);
	s->asking = NULL;
	if (rc)
		t->waits = SIM_WAIT_NONE;
	thread_blocked(s, t, rc);
	if (rc || !waits || t->state != TH_WAIT)
		return;
	t->timeouts++;
	heap_push(&s->heap, s->now + rng_below(&s->rng, 20 * s->cfg.mean_ns + 1),
	          REF(EV_TIMEOUT, THREAD_COOKIE(s, t) - 1));
}

/* It may be of an earlier wait: then this one is shorter. */
void futex_timeout(struct sim *s, struct thread *t)
{
	struct coh_event ev;

	t->timeouts--;
	if (t->state != TH_WAIT || t->op.kind != OP_FUTEX_WAIT || t->cancelled)
		return;
	t->cancelled = 1;
	memset(&ev, 0, sizeof ev);
	ev.kind = COH_EV_FUTEX_CANCEL;
	ev.cookie = THREAD_COOKIE(s, t);
	node_step(s, t->node, &ev);
}

/* --- what comes of them --- */

/* The thread for whom this page's word is compared: there is one at most. */
static struct thread *compared_for(struct sim *s, const struct coh_effect *e)
{
	uint16_t home = coh_home_of(coh_config_of(s->nodes[0].coh), e->page);
	struct coh_page_info info;
	struct thread *found = NULL;

	coh_page_info(s->nodes[home].coh, e->page, &info);
	for (uint32_t i = 0; i < s->cfg.threads && info.requestor != COH_NO_NODE; i++) {
		struct thread *t = &s->threads[info.requestor * s->cfg.threads + i];
		if (t->op.kind != OP_FUTEX_WAIT || t->waits != SIM_WAIT_ASKED ||
		    page_of(t) != e->page)
			continue;
		/* Of those at the home itself it is the one that came first. */
		if (t->slot != UINT16_MAX ? t->slot == e->futex.slot : !found || t->order < found->order)
			found = t;
	}
	return found;
}

void futex_compare(struct sim *s, uint16_t node, const struct coh_effect *e)
{
	struct frame *f = frame_at(s, node, e->page);
	struct page *p = &s->pages[e->page];
	struct thread *t = compared_for(s, e);
	struct coh_effect answer;
	int equal;

	SIM_CHECK(s, t, "node %u compares a word of page %u for nobody", node, (unsigned)e->page);
	SIM_CHECK(s, !f->incoming && f->version == p->version,
	          "node %u compares version %u of page %u, newest is %u", node, f->version,
	          (unsigned)e->page, p->version);
	SIM_CHECK(s, p->writers == (f->access == COH_WRITE),
	          "node %u compares a word of page %u, which another one may write", node,
	          (unsigned)e->page);
	equal = f->version == e->futex.value;
	t->waits = equal ? SIM_WAIT_SLEEPS : SIM_WAIT_DIFFERS;
	if (equal)
		t->order = ++s->sleeps;
	if (e->node == node) {
		SIM_CHECK(s, s->n_compared < COH_MAX_RUN, "too many words compared in a step");
		s->compared[s->n_compared].page = e->page;
		s->compared[s->n_compared++].equal = equal;
		return;
	}
	answer.kind = COH_FX_SEND;
	answer.node = e->node;
	answer.fill = 0;
	answer.page = e->page;
	answer.msg = (struct coh_msg){ .type = COH_MSG_COMPARED, .page = e->page, .n = 1 };
	answer.msg.futex.value = equal;
	net_send(s, node, &answer);
}

static void over(struct sim *s, struct thread *t, int woken)
{
	if (woken) {
		for (uint32_t i = 0; i < s->n_threads; i++)
			SIM_CHECK(s,
			          !sleeps_for(&s->threads[i], page_of(t)) ||
			                  s->threads[i].order >= t->order,
			          "thread %u of node %u is woken before one that came earlier",
			          t->index, t->node);
		s->pages[page_of(t)].woken++;
	}
	t->waits = SIM_WAIT_OVER;
	t->status = woken ? 0 : -ETIMEDOUT;
}

void futex_send(struct sim *s, const struct coh_effect *e)
{
	if (e->msg.type == COH_MSG_FUTEX_WAIT && s->asking)
		s->asking->slot = e->msg.futex.slot;
	if (e->msg.type != COH_MSG_FUTEX_WOKEN)
		return;
	for (uint32_t i = 0; i < s->cfg.threads; i++) {
		struct thread *t = &s->threads[e->node * s->cfg.threads + i];
		if (!sleeps_for(t, e->msg.page) || t->slot != e->msg.futex.slot)
			continue;
		over(s, t, e->msg.futex.value == 1);
		return;
	}
	sim_fail(s, "a thread of node %u is woken that does not sleep", e->node);
}

static void wake_done(struct sim *s, struct thread *t, uint32_t woken, uint32_t left)
{
	struct page *p = &s->pages[page_of(t)];

	SIM_CHECK(s, woken <= t->op.value && woken <= p->woken,
	          "a wake has woken %u threads, of %u, and wanted %u", woken, p->woken, t->op.value);
	p->woken -= woken;
	for (uint32_t i = 0; i < s->n_threads && woken < t->op.value && !left; i++)
		SIM_CHECK(s,
		          !sleeps_for(&s->threads[i], page_of(t)) || s->threads[i].order > t->order,
		          "lost wake-up: thread %u of node %u sleeps on for page %u",
		          s->threads[i].index, s->threads[i].node, page_of(t));
}

void futex_complete(struct sim *s, struct thread *t, int status, uint64_t result)
{
	if (t->op.kind == OP_FUTEX_WAKE) {
		SIM_CHECK(s, status == 0, "a wake fails: %d", status);
		wake_done(s, t, (uint32_t)result, result >> 32);
		return;
	}
	/* A node tells its own threads by no message. */
	if (t->waits == SIM_WAIT_SLEEPS &&
	    t->node == coh_home_of(coh_config_of(s->nodes[0].coh), page_of(t)))
		over(s, t, status == 0);
	SIM_CHECK(s,
	          status == (t->waits == SIM_WAIT_OVER      ? t->status
	                     : t->waits == SIM_WAIT_DIFFERS ? -EAGAIN
	                                                    : 1),
	          "a wait of thread %u of node %u ends with %d", t->index, t->node, status);
	SIM_CHECK(s, status != -ETIMEDOUT || t->cancelled, "a wait ends before its time");
	t->waits = SIM_WAIT_NONE;
}
