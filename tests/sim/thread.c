/* SPDX-License-Identifier: BSD-2-Clause */
/* Application threads: they take operations from the workload, block, and try again. */
#include <errno.h>
#include <string.h>

#include "tests/sim/sim.h"

static void thread_try(struct sim *s, struct thread *t);

static uint32_t thread_number(const struct sim *s, const struct thread *t)
{
	return t - s->threads;
}

static void thread_at(struct sim *s, struct thread *t, uint64_t time)
{
	SIM_CHECK(s, t->state != TH_READY, "the simulator starts a thread twice");
	t->state = TH_READY;
	heap_push(&s->heap, time, REF(EV_THREAD, thread_number(s, t)));
}

/* --- the end of an operation --- */

static uint64_t think(struct sim *s)
{
	uint64_t ns = rng_below(&s->rng, 2 * s->cfg.think_ns + 1);

	return rng_one_in(&s->rng, 256) ? 100 * ns : ns; /* else everyone bursts at once for ever */
}

void thread_check_wait(struct sim *s, const struct thread *t)
{
	uint64_t bound = t->op.touches > 1 ? s->bound_many_ns : s->bound_ns;

	SIM_CHECK(
		s, s->now - t->since <= bound,
		"thread %u of node %u waited %llu us for page %u and %u more, the bound is %llu us",
		t->index, t->node, (unsigned long long)(s->now - t->since) / 1000, t->page,
		t->op.touches - 1, (unsigned long long)bound / 1000);
}

static void count_wait(struct sim *s, const struct thread *t)
{
	uint64_t ns = s->now - t->since;
	struct stats *st = &s->stats;

	st->waits++;
	st->wait_ns += ns;
	st->wait_histogram[ns ? 64 - __builtin_clzll(ns) : 0]++;
	if (ns > st->worst_wait_ns)
		st->worst_wait_ns = ns;
	if (t->op.touches == 1 && ns > st->worst_single_ns)
		st->worst_single_ns = ns;
	thread_check_wait(s, t);
}

void thread_finish(struct sim *s, struct thread *t)
{
	if (!t->faulted)
		s->stats.hits++;
	else if (t->op.kind == OP_ACCESS || t->op.kind == OP_ATOMIC)
		count_wait(s, t);
	s->stats.ops++;
	t->ops++;
	t->op.kind = OP_NONE;
	thread_at(s, t, s->now + think(s));
}

/* --- accesses --- */

static int may(const struct sim *s, const struct thread *t, const struct touch *touch)
{
	return s->nodes[t->node].frames[touch->page].access >=
	       (touch->write ? COH_WRITE : COH_READ);
}

/* The instruction runs: what it reads is the newest there is. */
static void commit(struct sim *s, struct thread *t)
{
	for (unsigned i = 0; i < t->op.touches; i++) {
		const struct touch *touch = &t->op.touch[i];
		struct frame *f = frame_at(s, t->node, touch->page);
		struct page *p = &s->pages[touch->page];
		SIM_CHECK(s, f->version == p->version,
		          "thread %u of node %u reads version %u of page %u, newest is %u",
		          t->index, t->node, f->version, touch->page, p->version);
		if (!touch->write)
			continue;
		SIM_CHECK(s, !f->reading, "node %u writes page %u while it is being sent", t->node,
		          touch->page);
		f->version = p->version = ++p->last;
	}
	thread_finish(s, t);
}

void thread_blocked(struct sim *s, struct thread *t, int rc)
{
	struct node *n = &s->nodes[t->node];

	if (rc == 0)
		return;
	SIM_CHECK(s, rc == -EAGAIN, "an operation of node %u fails: %d", t->node, rc);
	t->state = TH_RETRY;
	n->retry[n->retries++] = thread_number(s, t) % s->cfg.threads;
	s->stats.retries++;
}

static void fault_taken(struct sim *s, struct thread *t)
{
	struct coh_event ev;
	int rc;

	t->state = TH_FAULT;
	ev.kind = t->write ? COH_EV_WRITE : COH_EV_READ;
	ev.page = t->page;
	ev.n = rng_one_in(&s->rng, s->cfg.prefetch_in) ? 1 + rng_below(&s->rng, 16) : 0;
	rc = memory_room(s, t->node, t->page);
	ev.n = memory_run(s, t->node, ev.n);
	tenure_thread_waits(&s->nodes[t->node].tenure, t->index + 1u, s->now);
	s->nodes[t->node].wanted = t->page + 1;
	if (rc)
		tenure_give_way(&s->nodes[t->node].tenure, s->now);
	if (rc == 0)
		rc = node_step(s, t->node, &ev);
	s->nodes[t->node].wanted = 0;
	if (rc == 0)
		memory_used(s, t->node, t->page);
	thread_blocked(s, t, rc);
}

/* The service hears of a fault at once or a little later, when it may be out of date. */
static void fault(struct sim *s, struct thread *t, const struct touch *touch)
{
	t->faulted = 1;
	t->page = touch->page;
	t->at = touch->at;
	t->upgrade = s->nodes[t->node].frames[touch->page].access == COH_READ;
	t->write = touch->write;
	if (rng_next(&s->rng) >> 63) {
		fault_taken(s, t);
		return;
	}
	t->trapped = 1;
	thread_at(s, t, s->now + rng_below(&s->rng, s->cfg.wake_ns + 1));
}

static void try_access(struct sim *s, struct thread *t)
{
	for (unsigned i = 0; i < t->op.touches; i++)
		if (!may(s, t, &t->op.touch[i])) {
			fault(s, t, &t->op.touch[i]);
			return;
		}
	commit(s, t);
}

/* --- atomics: the version is the word; arguments are derived from the thread --- */

static struct coh_atomic atomic_args(const struct sim *s, const struct thread *t)
{
	uint64_t id = THREAD_COOKIE(s, t);

	return (struct coh_atomic){
		.op = COH_OP_FETCH_ADD + t->ops % 3,
		.width = t->ops & 1 ? 8 : 4,
		.offset = id * 8 % 4096,
		.operand = id,
		.compare = t->ops,
	};
}

uint64_t thread_atomic(struct sim *s, uint16_t node, uint32_t page, const struct coh_atomic *a)
{
	struct thread *t = &s->threads[a->operand - 1];
	struct frame *f = frame_at(s, node, page);
	struct page *p = &s->pages[page];
	struct coh_atomic want;

	SIM_CHECK(s, a->operand >= 1 && a->operand <= s->n_threads, "an atomic of nobody");
	want = atomic_args(s, t);
	SIM_CHECK(s,
	          t->atomic == 1 && t->op.touch[0].page == page && a->op == want.op &&
	                  a->width == want.width && a->offset == want.offset &&
	                  a->compare == want.compare,
	          "an atomic is carried out that nobody waits for, or not as asked");
	SIM_CHECK(s, p->readers + p->writers == (f->access != COH_NONE),
	          "node %u does an atomic on page %u, which others have", node, page);
	SIM_CHECK(s, !f->incoming && !f->reading && f->version == p->version,
	          "node %u does an atomic on version %u of page %u, newest is %u", node, f->version,
	          page, p->version);
	f->resident = 1; /* else an untouched page of the home's */
	f->drop = 0;
	t->atomic = 2;
	t->old = p->version;
	f->version = p->version = ++p->last;
	s->stats.atomics++;
	return t->old;
}

static void try_atomic(struct sim *s, struct thread *t)
{
	struct coh_event ev;
	int rc;

	t->faulted = 1;
	t->atomic = 1;
	t->state = TH_WAIT;
	ev.kind = COH_EV_ATOMIC;
	ev.page = t->op.touch[0].page;
	ev.cookie = THREAD_COOKIE(s, t);
	ev.atomic = atomic_args(s, t);
	rc = node_step(s, t->node, &ev);
	thread_blocked(s, t, rc);
}

/* --- hints --- */

static void try_prefetch(struct sim *s, struct thread *t)
{
	uint32_t left = t->op.n;
	struct coh_event ev;

	ev.kind = COH_EV_PREFETCH;
	ev.page = t->op.touch[0].page;
	while ((ev.n = memory_run(s, t->node, left)) && node_step(s, t->node, &ev) == 0) {
		SIM_CHECK(s, s->fx.consumed >= 1 && s->fx.consumed <= ev.n,
		          "a prefetch of %u pages consumed %u", ev.n, s->fx.consumed);
		ev.page += s->fx.consumed;
		left -= s->fx.consumed;
	}
	thread_finish(s, t);
}

static void try_evict(struct sim *s, struct thread *t)
{
	struct coh_event ev;

	ev.kind = COH_EV_EVICT;
	ev.page = t->op.touch[0].page;
	node_step(s, t->node, &ev); /* busy or without a slot: then not */
	thread_finish(s, t);
}

/* Of memory that others may well use: what they wrote is gone then, and that is all. */
static void try_discard(struct sim *s, struct thread *t)
{
	struct coh_event ev;

	t->state = TH_WAIT;
	ev.kind = COH_EV_DISCARD;
	ev.page = t->op.touch[0].page;
	ev.n = t->op.n;
	ev.cookie = THREAD_COOKIE(s, t);
	thread_blocked(s, t, node_step(s, t->node, &ev));
}

/* --- locks and the barrier --- */

static struct lock_model *lock_of(struct sim *s, uint16_t home, uint32_t object)
{
	return &s->locks[(size_t)home * s->cfg.locks + object];
}

static void try_sync(struct sim *s, struct thread *t)
{
	const struct op op = t->op; /* a call may complete, and t go on, within the step */
	struct coh_event ev;
	int rc;

	memset(&ev, 0, sizeof ev);
	ev.home = op.home;
	ev.cookie = THREAD_COOKIE(s, t);
	ev.sync = (struct coh_sync_args){
		.object = op.object, .mutex = op.mutex, .thread = t->index, .value = op.value
	};
	switch (op.kind) {
	case OP_LOCK: ev.kind = COH_EV_LOCK; break;
	case OP_UNLOCK:
		ev.kind = COH_EV_UNLOCK;
		lock_of(s, op.home, op.object)->holder = -1;
		break;
	case OP_COND_WAIT:
		ev.kind = COH_EV_COND_WAIT;
		lock_of(s, op.home, op.mutex)->holder = -1;
		break;
	default: ev.kind = COH_EV_COND_SIGNAL; break;
	}
	t->faulted = 1;
	t->state = TH_WAIT;
	rc = node_step(s, t->node, &ev);
	if (op.kind == OP_LOCK || op.kind == OP_COND_WAIT) {
		thread_blocked(s, t, rc);
	} else {
		SIM_CHECK(s, rc == 0, "unlock or signal of node %u fails: %d", t->node, rc);
		thread_finish(s, t);
	}
}

static void try_barrier(struct sim *s, struct thread *t)
{
	struct node *n = &s->nodes[t->node];
	struct coh_event ev;

	t->state = TH_WAIT;
	t->faulted = 1;
	if (++n->at_barrier < s->cfg.threads)
		return;
	memset(&ev, 0, sizeof ev);
	ev.kind = COH_EV_BARRIER;
	ev.cookie = (uint64_t)(t->node + 1) << 32;
	s->arrivals++;
	node_step(s, t->node, &ev);
}

static void barrier_passed(struct sim *s, uint16_t node)
{
	struct node *n = &s->nodes[node];

	SIM_CHECK(s, n->at_barrier == s->cfg.threads && s->arrivals >= ++n->releases * s->cfg.nodes,
	          "node %u is released from a barrier that not all have reached", node);
	n->at_barrier = 0;
	for (uint32_t i = 0; i < s->cfg.threads; i++)
		thread_finish(s, &s->threads[node * s->cfg.threads + i]);
}

static void lock_granted(struct sim *s, struct thread *t, int status)
{
	uint32_t object = t->op.kind == OP_LOCK ? t->op.object : t->op.mutex;
	struct lock_model *l = lock_of(s, t->op.home, object);

	SIM_CHECK(s, status == 0 && l->holder == -1, "a mutex is granted twice, or not at all (%d)",
	          status);
	l->holder = thread_number(s, t);
}

/* --- called by effects --- */

void thread_complete(struct sim *s, uint64_t cookie, int status, uint64_t result)
{
	struct thread *t;

	if (cookie >> 32) {
		barrier_passed(s, (cookie >> 32) - 1);
		return;
	}
	if (cookie == 0) { /* made while setting up */
		s->created = result;
		return;
	}
	SIM_CHECK(s, cookie <= s->n_threads, "a call completes that nobody made");
	t = &s->threads[cookie - 1];
	SIM_CHECK(s, t->state == TH_WAIT, "thread %u of node %u did not wait", t->index, t->node);
	if (t->op.kind == OP_ATOMIC)
		SIM_CHECK(s, t->atomic == 2 && (uint32_t)result == t->old,
		          "an atomic answers %u, it was %u", (unsigned)result, t->old);
	else if (t->op.kind == OP_FUTEX_WAIT || t->op.kind == OP_FUTEX_WAKE)
		futex_complete(s, t, status, result);
	else if (t->op.kind != OP_DISCARD)
		lock_granted(s, t, status);
	t->atomic = 0;
	thread_finish(s, t);
}

void thread_wake(struct sim *s, uint16_t node, uint32_t page, uint32_t n)
{
	s->nodes[node].woken = 0;
	for (uint32_t i = 0; i < s->cfg.threads; i++) {
		struct thread *t = &s->threads[node * s->cfg.threads + i];
		if (t->state != TH_FAULT || t->page < page || t->page >= page + n)
			continue;
		s->nodes[node].woken = i + 1;
		tenure_thread_runs(&s->nodes[node].tenure, i + 1, s->now);
		node_arm(s, node);
		thread_at(s, t, s->now + rng_below(&s->rng, s->cfg.wake_ns + 1));
	}
}

static void retry_once(struct sim *s, uint16_t node)
{
	struct node *n = &s->nodes[node];
	uint32_t count = n->retries;
	uint16_t who[SIM_MAX_THREADS];

	memcpy(who, n->retry, count * sizeof *who);
	n->retries = 0;
	for (uint32_t i = 0; i < count; i++)
		thread_try(s, &s->threads[node * s->cfg.threads + who[i]]);
}

/* Who found no slot tries again, in order, whenever a step may have freed one, another
 * thread's too; who still finds none keeps his place. */
void thread_retry_all(struct sim *s, uint16_t node)
{
	struct node *n = &s->nodes[node];

	while (n->stepped && n->retries) {
		n->stepped = 0;
		retry_once(s, node);
	}
	n->stepped = 0;
}

/* --- the life of a thread --- */

static void thread_try(struct sim *s, struct thread *t)
{
	if (t->op.kind != OP_ACCESS && t->op.kind != OP_PARK)
		node_call(s, t);
	switch (t->op.kind) {
	case OP_ACCESS: try_access(s, t); break;
	case OP_ATOMIC: try_atomic(s, t); break;
	case OP_PREFETCH: try_prefetch(s, t); break;
	case OP_EVICT: try_evict(s, t); break;
	case OP_DISCARD: try_discard(s, t); break;
	case OP_FUTEX_WAIT:
	case OP_FUTEX_WAKE: futex_try(s, t); break;
	case OP_BARRIER: try_barrier(s, t); break;
	case OP_PARK:
		t->state = TH_PARKED;
		t->op.kind = OP_NONE;
		s->parked++;
		break;
	default: try_sync(s, t);
	}
}

void thread_run(struct sim *s, struct thread *t)
{
	SIM_CHECK(s, t->state == TH_READY, "the simulator runs a thread that is not ready");
	t->state = TH_RUNNING;
	if (t->trapped) {
		t->trapped = 0;
		fault_taken(s, t);
		return;
	}
	if (t->op.kind == OP_NONE) {
		memory_reclaim(s, t->node);
		t->op.touches = 0;
		t->since = s->now;
		t->faulted = 0;
		work_next(s, t, &t->op);
	}
	thread_try(s, t);
}

void thread_unpark_all(struct sim *s)
{
	s->parked = 0;
	for (uint32_t i = 0; i < s->n_threads; i++)
		thread_at(s, &s->threads[i], s->now + think(s));
}
