/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many nodes whose threads use mutexes, conditions, words and the barrier, and which die: real cores,
 * a random order of everything that may happen next, no clock. What tests/explore has in every order
 * for three or four nodes is here in many orders for up to 64, with several deaths, one in another.
 *
 *	deaths [NODES DEATHS EVENTS SEED]
 *
 * Checked: a mutex has one holder, and whoever has it next hears of a dead one; nobody leaves a
 * barrier that somebody who lives has yet to come to; no honest event is refused; the core's
 * invariants; and when nothing more is begun every call ends, and all cores are quiet.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coherence/coh.h"
#include "tests/sim/rng.h"

#define NODES 64
#define THREADS 3
#define LOCKS 3 /* of a home: mutex 0, its condition 1, mutex 2 */
#define WORDS 4 /* one a page, of the first pages of all homes */

enum { IDLE, LOCKS_IT, TRIES, HOLDS, WAITS, COMES, SLEEPS, WAKES };
struct thread {
	uint8_t state;
	uint32_t mutex; /* home * LOCKS + index, of LOCKS_IT to WAITS */
	uint32_t view;  /* in which the call was made */
};
struct queue {
	struct coh_msg *msg;
	uint32_t head, len, cap;
};
struct node {
	struct coh *coh;
	struct thread thread[THREADS];
	uint32_t arrived;
	uint8_t dead, late, entering;
	struct coh_event told[8]; /* comparisons */
	unsigned n_told;
};

static struct {
	unsigned nodes, deaths, living;
	uint64_t seed, events, messages, reports;
	struct rng rng;
	struct node node[NODES];
	struct queue wire[NODES][NODES];
	uint64_t members;
	uint32_t view, word[WORDS];
	int holder[NODES * LOCKS]; /* thread of all, plus one */
	uint8_t orphan[NODES * LOCKS];
	struct coh_effects fx;
	int draining;
	uint64_t count[16];
} s;

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *fmt, ...)
{
	va_list ap;

	printf("VIOLATED: deaths %u %u %llu %llu, view %u: ", s.nodes, s.deaths,
	       (unsigned long long)s.events, (unsigned long long)s.seed, s.view);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

static uint32_t below(uint32_t n)
{
	return rng_below(&s.rng, n);
}

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

static int step(unsigned node, const struct coh_event *ev)
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

static void deliver(unsigned from, unsigned to)
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

static void act(unsigned node, unsigned thread)
{
	struct thread *t = &s.node[node].thread[thread];

	if (s.draining || below(8) == 0)
		end_wait(node, thread, t);
	if (t->state == HOLDS)
		release(node, thread, t, !s.draining && t->mutex % LOCKS == 0 && below(4) == 0);
	else if (t->state == IDLE)
		idle_thread(node, thread);
}

/* --- deaths --- */

static void die(unsigned node)
{
	struct node *n = &s.node[node];

	n->dead = 1;
	s.living--;
	for (uint32_t m = 0; m < s.nodes * LOCKS; m++)
		if (s.holder[m] && (unsigned)(s.holder[m] - 1) / THREADS == node) {
			s.holder[m] = 0;
			s.orphan[m] = 1;
		}
	for (unsigned i = 0; i < s.nodes; i++) {
		struct queue *out = &s.wire[node][i];
		s.wire[i][node].len = 0;
		out->len = out->len ? below(out->len + 1) : 0; /* the rest never left */
	}
	s.members &= ~(UINT64_C(1) << node);
	s.view++;
	for (unsigned i = 0; i < s.nodes; i++)
		s.node[i].late = !s.node[i].dead;
}

static void enter(unsigned node)
{
	struct coh_event ev = { .kind = COH_EV_VIEW, .view = s.view, .members = s.members };
	struct coh_event fenced = { .kind = COH_EV_FENCED };

	s.node[node].late = 0;
	s.node[node].entering = 1;
	if (step(node, &ev) || step(node, &fenced))
		fail("node %u cannot enter a view", node);
	s.node[node].entering = 0;
}

/* --- the run --- */

static void open_cores(void)
{
	struct coh_config cfg = {
		.nodes = (coh_node)s.nodes,
		.n_zones = 1,
		.zone = { { .count = s.nodes > WORDS ? s.nodes : WORDS, .block_pages = 1 } },
		.per_home = 4,
		.slots = 8,
		.locks = LOCKS,
		.sync_slots = THREADS,
		.futex_slots = THREADS,
		.overtakes = 2,
		.survive = 1,
	};

	if (coh_config_check(&cfg))
		fail("no such configuration");
	s.fx.cap = coh_effects_max(&cfg);
	s.fx.list = calloc(s.fx.cap, sizeof *s.fx.list);
	s.fx.self_queue = calloc(COH_SELF_MAX, sizeof *s.fx.self_queue);
	for (unsigned i = 0; i < s.nodes; i++) {
		cfg.self = (coh_node)i;
		s.node[i].coh = coh_init(calloc(1, coh_size(&cfg)), &cfg);
		if (coh_keep_object(s.node[i].coh, 0, 1, 0) || coh_keep_object(s.node[i].coh, 1, 2, 0) ||
		    coh_keep_object(s.node[i].coh, 2, 1, 0))
			fail("objects cannot be made");
	}
}

/* The node does what it has begun; how much of it there is. */
static unsigned go_on(unsigned node)
{
	struct node *n = &s.node[node];
	struct coh_event more = { .kind = COH_EV_RECOVER };
	int recovers = coh_has_more(n->coh);

	if (recovers)
		step(node, &more);
	if (!n->n_told)
		return recovers;
	n->n_told--;
	if (step(node, &n->told[n->n_told]))
		fail("node %u does not want to hear what it has compared", node);
	return 1;
}

static void one_event(void)
{
	unsigned node = below(s.nodes), from = below(s.nodes);

	if (s.node[node].dead)
		return;
	if (s.node[node].late && below(4) == 0)
		enter(node);
	go_on(node);
	for (unsigned i = 0; i < s.nodes; i++) /* one that has something */
		if (s.wire[(from + i) % s.nodes][node].len) {
			deliver((from + i) % s.nodes, node);
			break;
		}
	if (below(3) == 0)
		act(node, below(THREADS));
}

static int is_busy(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		if (s.node[i].dead)
			continue;
		if (s.node[i].late || s.node[i].n_told || !coh_is_quiet(s.node[i].coh))
			return 1;
		for (unsigned t = 0; t < THREADS; t++)
			if (s.node[i].thread[t].state != IDLE)
				return 1;
	}
	return 0;
}

static void tell_who_waits(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		if (s.node[i].dead)
			continue;
		printf("node %u: view %u%s%s, come %u times;", i, coh_view(s.node[i].coh),
		       s.node[i].late ? ", late" : "", coh_is_rebuilding(s.node[i].coh) ? ", rebuilding" : "",
		       s.node[i].arrived);
		for (unsigned t = 0; t < THREADS; t++)
			printf(" %u (mutex %u)", s.node[i].thread[t].state, s.node[i].thread[t].mutex);
		printf(coh_is_quiet(s.node[i].coh) ? "\n" : ", not quiet\n");
	}
	fail("somebody waits for ever");
}

static void close_cores(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		free(s.node[i].coh);
		for (unsigned k = 0; k < s.nodes; k++)
			free(s.wire[i][k].msg);
	}
	free(s.fx.list);
	free(s.fx.self_queue);
}

int main(int argc, char **argv)
{
	uint64_t rounds = 0;

	s.nodes = argc > 1 ? (unsigned)atoi(argv[1]) : 8;
	s.deaths = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	s.events = argc > 3 ? strtoull(argv[3], NULL, 0) : 300000;
	s.seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
	if (s.nodes < 2 || s.nodes > NODES || s.deaths >= s.nodes)
		return 2;
	alarm(600);
	rng_seed(&s.rng, s.seed);
	s.living = s.nodes;
	s.members = ~UINT64_C(0) >> (64 - s.nodes);
	open_cores();
	for (uint64_t i = 0; i < s.events; i++) {
		unsigned node = below(s.nodes);
		if (s.nodes - s.living < s.deaths && !s.node[node].dead &&
		    rng_one_in(&s.rng, (uint32_t)(s.events / (s.deaths + 1) / 2 + 1)))
			die(node);
		else if (s.view && s.nodes - s.living < s.deaths && !s.node[node].dead &&
		         s.node[node].late && rng_one_in(&s.rng, 64))
			die(node); /* before it has heard of the last one */
		one_event();
	}
	for (s.draining = 1; is_busy(); rounds++) {
		if (rounds == 20000000)
			tell_who_waits();
		one_event();
	}
	printf("%u nodes, %u died, %llu events: %llu messages, %llu of them reports; %llu locks, %llu "
	       "tries, %llu conditions, %llu barriers, %llu waits for words: no violation\n",
	       s.nodes, s.nodes - s.living, (unsigned long long)s.events, (unsigned long long)s.messages,
	       (unsigned long long)s.reports, (unsigned long long)s.count[LOCKS_IT],
	       (unsigned long long)s.count[TRIES], (unsigned long long)s.count[WAITS],
	       (unsigned long long)s.count[COMES], (unsigned long long)s.count[SLEEPS]);
	close_cores();
	return 0;
}
