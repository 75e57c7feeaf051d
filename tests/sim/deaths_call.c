/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of tests/sim/deaths: they lock, wait, wake, signal, come to the barrier and use pages. */
#include <errno.h>

#include "tests/sim/deaths.h"

/* --- what threads do --- */

static void begin(unsigned node, unsigned thread, struct coh_event *ev, unsigned state)
{
	struct thread *t = &s.node[node].thread[thread], was = *t;
	int rc;

	ev->cookie = thread + 1;
	ev->sync.thread = thread;
	t->state = (uint8_t)state;
	t->view = coh_view(s.node[node].coh);
	s.node[node].arrived += ev->kind == COH_EV_BARRIER;
	rc = step(node, ev);
	if (rc == 0)
		return;
	if (rc != -EAGAIN && rc != -ENOSPC)
		fail("node %u refuses a call: %d", node, rc);
	*t = was;
	s.node[node].arrived -= ev->kind == COH_EV_BARRIER;
}

static uint32_t furthest(void)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < s.nodes; i++)
		if (!s.node[i].dead && s.node[i].arrived > most)
			most = s.node[i].arrived;
	return most;
}

static void release(unsigned node, unsigned thread, struct thread *t, int waits)
{
	struct coh_event ev = { .kind = waits ? COH_EV_COND_WAIT : COH_EV_UNLOCK,
		                .home = (coh_node)(t->mutex / LOCKS) };
	int was = s.holder[t->mutex];

	ev.sync.object = waits ? 1 : t->mutex % LOCKS;
	ev.sync.mutex = t->mutex % LOCKS;
	s.holder[t->mutex] = 0; /* the next may have it within the step */
	begin(node, thread, &ev, waits ? WAITS : IDLE);
	if (t->state == HOLDS && !s.holder[t->mutex])
		s.holder[t->mutex] = was; /* it was refused */
}

static void use_word(unsigned node, unsigned thread)
{
	struct coh_event ev = { .page = below(WORDS), .futex.offset = below(2) };
	unsigned waits = below(2);

	ev.kind = waits ? COH_EV_FUTEX_WAIT : COH_EV_FUTEX_WAKE;
	ev.futex.value = waits ? s.word[ev.page] - below(2) : 1 + below(3);
	s.word[ev.page] += !waits; /* as who wakes has changed it */
	begin(node, thread, &ev, waits ? SLEEPS : WAKES);
}

static void use_page(unsigned node, unsigned thread)
{
	struct thread *t = &s.node[node].thread[thread];
	struct coh_event ev = { .kind = below(2) ? COH_EV_READ : COH_EV_WRITE };
	unsigned renews = below(4) == 0;

	t->page = below(PAGES);
	if (renews) {
		ev.kind = COH_EV_RENEW;
		ev.n = (uint16_t)(1 + below(PAGES - t->page));
	} else if (s.node[node].refused[t->page]) {
		return; /* it is told so at once */
	}
	ev.page = first_page() + t->page;
	begin(node, thread, &ev, renews ? RENEWS : TOUCHES);
}

static void signal_cond(unsigned node, coh_node home)
{
	struct coh_event ev = { .kind = COH_EV_COND_SIGNAL, .home = home,
		                .sync = { .object = 1, .value = !s.draining && below(2) } };
	int rc;

	if (s.wire[node][home].len > 8)
		return; /* nobody answers signals, and there may be more than are taken */
	rc = step(node, &ev);
	if (rc && rc != -EAGAIN)
		fail("a signal is refused: %d", rc);
}

static void idle_thread(unsigned node, unsigned thread)
{
	struct coh_event ev = { .kind = COH_EV_LOCK, .home = (coh_node)below(s.nodes) };
	int comes = thread == 0 && (s.node[node].arrived < furthest() || (!s.draining && below(8) == 0));

	if (comes) {
		ev.kind = COH_EV_BARRIER;
		begin(node, thread, &ev, COMES);
	} else if (s.draining) {
		return;
	} else if (below(4) == 0) {
		signal_cond(node, (coh_node)below(s.nodes));
	} else if (below(4) == 0) {
		use_page(node, thread);
	} else if (below(2)) {
		use_word(node, thread);
	} else {
		ev.home = (coh_node)(below(2) ? below(s.nodes) : below(2));
		ev.sync.object = 2 * below(2);
		ev.flags = below(4) ? 0 : COH_F_TRY;
		s.node[node].thread[thread].mutex = ev.home * LOCKS + ev.sync.object;
		begin(node, thread, &ev, ev.flags ? TRIES : LOCKS_IT);
	}
}

/* Now and then, and in the end, who waits for a condition is signalled, and who waits for a word has waited long enough. */
static void end_wait(unsigned node, unsigned thread, const struct thread *t)
{
	struct coh_event ev = { .kind = COH_EV_FUTEX_CANCEL, .cookie = thread + 1 };

	if (t->state == WAITS)
		signal_cond(node, (coh_node)(t->mutex / LOCKS));
	else if (t->state == SLEEPS && step(node, &ev) == 0)
		s.count[15]++;
}

void act(unsigned node, unsigned thread)
{
	struct thread *t = &s.node[node].thread[thread];

	if (s.draining || below(8) == 0)
		end_wait(node, thread, t);
	if (t->state == HOLDS)
		release(node, thread, t, !s.draining && t->mutex % LOCKS == 0 && below(4) == 0);
	else if (t->state == IDLE)
		idle_thread(node, thread);
}
