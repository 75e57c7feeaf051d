/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that wait for a page to have another version than they know, as for a word; threads that
 * wake them; and what must hold of both: who sleeps when a wake begins is woken before it ends,
 * unless it has woken as many as it may; in the order in which they fell asleep; and a wake tells
 * of nobody else. Some do so in the word's own queue, where nothing is compared, and of which the
 * others' wakes know nothing.
 */
#include <errno.h>
#include <string.h>

#include "tests/sim/sim.h"

static uint32_t page_of(const struct thread *t)
{
	return t->op.touch[0].page;
}

static uint16_t home_of(const struct sim *s, const struct thread *t)
{
	return coh_home_of(coh_config_of(s->nodes[0].coh), page_of(t));
}

/* Asleep in the queue that t waits in, or wakes. */
static int sleeps_beside(const struct thread *sleeper, const struct thread *t)
{
	return sleeper->op.kind == OP_FUTEX_WAIT && sleeper->waits == SIM_WAIT_SLEEPS &&
	       page_of(sleeper) == page_of(t) && sleeper->op.own == t->op.own;
}

static uint32_t *woken_beside(struct sim *s, const struct thread *t)
{
	return &s->pages[page_of(t)].woken[t->op.own];
}

/* The number by which the home will know the thread's wait: the first that is free. */
static uint16_t free_slot(const struct sim *s, const struct thread *t)
{
	const struct thread *mates = &s->threads[t->node * s->cfg.threads];

	for (uint16_t slot = 0;; slot++) {
		uint32_t i = 0;
		while (i < s->cfg.threads &&
		       (mates[i].waits == SIM_WAIT_NONE || mates[i].slot != slot))
			i++;
		if (i == s->cfg.threads)
			return slot;
	}
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
	ev.futex.offset = t->op.own ? COH_FUTEX_OWN : 0;
	t->state = TH_WAIT;
	t->faulted = 1;
	t->slot = waits ? free_slot(s, t) : 0;
	t->waits = waits ? SIM_WAIT_ASKED : SIM_WAIT_NONE;
	t->cancelled = 0;
	t->order = ++s->sleeps;
	rc = node_step(s, t->node, &ev);
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

	coh_page_info(s->nodes[home].coh, e->page, &info);
	for (uint32_t i = 0; i < s->cfg.threads && info.requestor != COH_NO_NODE; i++) {
		struct thread *t = &s->threads[info.requestor * s->cfg.threads + i];
		if (t->op.kind == OP_FUTEX_WAIT && t->waits == SIM_WAIT_ASKED &&
		    page_of(t) == e->page && !t->op.own && t->slot == e->futex.slot)
			return t;
	}
	return NULL;
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

static void falls_asleep(struct sim *s, struct thread *t)
{
	t->waits = SIM_WAIT_SLEEPS;
	t->order = s->sleeps;
}

/* Where nothing is compared only the home's queue tells. Those of one step are of one age. */
void futex_stepped(struct sim *s, uint16_t node)
{
	s->sleeps++;
	for (uint32_t i = 0; i < s->n_threads; i++) {
		struct thread *t = &s->threads[i];
		if (t->op.kind == OP_FUTEX_WAIT && t->op.own && t->waits == SIM_WAIT_ASKED &&
		    home_of(s, t) == node && coh_is_asleep(s->nodes[node].coh, t->node, t->slot))
			falls_asleep(s, t);
	}
}

/* Whoever is put to sleep and woken in one step has not been seen asleep. */
static void seen_too_late(struct sim *s, struct thread *t)
{
	if (t->op.own && t->waits == SIM_WAIT_ASKED)
		falls_asleep(s, t);
}

static void over(struct sim *s, struct thread *t, int woken)
{
	if (woken) {
		for (uint32_t i = 0; i < s->n_threads; i++)
			SIM_CHECK(s,
			          !sleeps_beside(&s->threads[i], t) ||
			                  s->threads[i].order >= t->order,
			          "thread %u of node %u is woken before one that came earlier",
			          t->index, t->node);
		++*woken_beside(s, t);
	}
	t->waits = SIM_WAIT_OVER;
	t->status = woken ? 0 : -ETIMEDOUT;
}

void futex_send(struct sim *s, const struct coh_effect *e)
{
	if (e->msg.type != COH_MSG_FUTEX_WOKEN)
		return;
	for (uint32_t i = 0; i < s->cfg.threads; i++) {
		struct thread *t = &s->threads[e->node * s->cfg.threads + i];
		if (t->op.kind != OP_FUTEX_WAIT || page_of(t) != e->msg.page ||
		    t->slot != e->msg.futex.slot)
			continue;
		seen_too_late(s, t);
		if (t->waits != SIM_WAIT_SLEEPS)
			continue;
		over(s, t, e->msg.futex.value == 1);
		return;
	}
	sim_fail(s, "a thread of node %u is woken that does not sleep", e->node);
}

static void wake_done(struct sim *s, struct thread *t, uint32_t woken, uint32_t left)
{
	uint32_t *all = woken_beside(s, t);

	SIM_CHECK(s, woken <= t->op.value && woken <= *all,
	          "a wake has woken %u threads, of %u, and wanted %u", woken, *all, t->op.value);
	*all -= woken;
	for (uint32_t i = 0; i < s->n_threads && woken < t->op.value && !left; i++)
		SIM_CHECK(s,
		          !sleeps_beside(&s->threads[i], t) || s->threads[i].order > t->order,
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
	if (t->node == home_of(s, t)) {
		seen_too_late(s, t);
		if (t->waits == SIM_WAIT_SLEEPS)
			over(s, t, status == 0);
	}
	SIM_CHECK(s,
	          status == (t->waits == SIM_WAIT_OVER      ? t->status
	                     : t->waits == SIM_WAIT_DIFFERS ? -EAGAIN
	                                                    : 1),
	          "a wait of thread %u of node %u ends with %d", t->index, t->node, status);
	SIM_CHECK(s, status != -ETIMEDOUT || t->cancelled, "a wait ends before its time");
	t->waits = SIM_WAIT_NONE;
}
