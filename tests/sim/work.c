/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads do: sharing patterns as programs have them, each a small state machine. */
#include <string.h>

#include "tests/sim/sim.h"

static uint32_t number(const struct sim *s, const struct thread *t)
{
	return t - s->threads;
}

static uint32_t below(struct sim *s, uint32_t n)
{
	return rng_below(&s->rng, n);
}

static int park(const struct sim *s, struct op *op)
{
	op->kind = OP_PARK;
	return s->draining;
}

static void touch(struct op *op, uint32_t page, int write)
{
	op->kind = OP_ACCESS;
	op->touch[op->touches++] = (struct touch){ .page = page, .write = write };
}

static void sync_op(struct op *op, enum op_kind kind, uint32_t home, uint32_t object,
                    uint32_t mutex, uint32_t value)
{
	op->kind = kind;
	op->home = home;
	op->object = object;
	op->mutex = mutex;
	op->value = value;
}

/* --- patterns that choose a page at random --- */

static void next_uniform(struct sim *s, struct thread *t, struct op *op)
{
	if (!park(s, op))
		touch(op, below(s, s->n_pages), below(s, 4) == 0);
}

static void next_zipf(struct sim *s, struct thread *t, struct op *op)
{
	if (!park(s, op))
		touch(op, s->zipf[rng_next(&s->rng) >> 48], below(s, 4) == 0);
}

static void next_read_mostly(struct sim *s, struct thread *t, struct op *op)
{
	if (!park(s, op))
		touch(op, below(s, s->n_pages), below(s, 500) == 0);
}

static void next_hot(struct sim *s, struct thread *t, struct op *op)
{
	if (park(s, op))
		return;
	touch(op, below(s, 2), below(s, 8) == 0);
	if (below(s, 2))
		op->kind = OP_ATOMIC;
}

/* --- patterns in which threads have parts to play --- */

/* Page p is written by one thread and read by the two next ones. */
static void next_producer(struct sim *s, struct thread *t, struct op *op)
{
	uint32_t role = below(s, 3), me = number(s, t), owner;

	if (park(s, op))
		return;
	owner = (me + s->n_threads - role) % s->n_threads;
	touch(op, (owner + s->n_threads * below(s, 4)) % s->n_pages, role == 0);
}

/* Read, then write, the same page; the next thread does so too. */
static void next_migratory(struct sim *s, struct thread *t, struct op *op)
{
	if (t->step == 0 && park(s, op))
		return;
	if (t->step == 0)
		t->pick = below(s, 1 + s->n_pages / 16);
	touch(op, t->pick, t->step);
	t->step ^= 1;
}

/* Threads that write words of their own in pages that they share with others. */
static void next_false_sharing(struct sim *s, struct thread *t, struct op *op)
{
	uint32_t group = number(s, t) / 4;

	if (!park(s, op))
		touch(op, (group * 2 + below(s, 2)) % s->n_pages, below(s, 2));
}

/* As keys are sorted by a digit: everybody writes to all pages, in no order, each time a word behind
 * the last; and a barrier. */
static void next_scatter(struct sim *s, struct thread *t, struct op *op)
{
	if (t->step == 0 && s->draining && t->round >= s->stop_round) {
		op->kind = OP_PARK;
		return;
	}
	if (t->step == 64 * s->n_pages || s->draining) {
		op->kind = OP_BARRIER;
		t->round++;
		t->step = 0;
		return;
	}
	touch(op, below(s, s->n_pages), 1);
	t->step++;
}

/* A sequential scan with runs of prefetch ahead of it. */
static void next_scan(struct sim *s, struct thread *t, struct op *op)
{
	uint32_t left = s->n_pages - t->pick;

	if (park(s, op))
		return;
	if (t->step == 0 && left >= 2) {
		touch(op, t->pick, 0);
		op->kind = OP_PREFETCH;
		op->n = left < 48 ? left : 48;
	} else {
		touch(op, t->pick, below(s, 64) == 0);
		t->pick = (t->pick + 1) % s->n_pages;
	}
	t->step = (t->step + 1) % 33;
}

/* Bands of pages; rounds of reading the neighbours' edges and writing one's own. */
static void next_stencil(struct sim *s, struct thread *t, struct op *op)
{
	uint32_t n = s->n_threads, me = number(s, t);
	uint32_t band = s->n_pages / n < 1 ? 1 : s->n_pages / n > 4 ? 4 : s->n_pages / n;
	uint32_t before = (me + n - 1) % n, after = (me + 1) % n;

	switch (t->step++) {
	case 0:
		if (s->draining && t->round >= s->stop_round) {
			op->kind = OP_PARK;
			t->step = 0;
			return;
		}
		touch(op, (before * band + band - 1) % s->n_pages, 0);
		break;
	case 1: touch(op, after * band % s->n_pages, 0); break;
	default:
		if (t->step - 3 < band) {
			touch(op, (me * band + t->step - 3) % s->n_pages, 1);
			break;
		}
		op->kind = OP_BARRIER;
		t->round++;
		t->step = 0;
	}
}

/* --- locks --- */

#define CONVOYS 4

/* Few mutexes, many threads; what a mutex guards is written inside. */
static void next_convoy(struct sim *s, struct thread *t, struct op *op)
{
	uint32_t home = t->pick % s->cfg.nodes;

	switch (t->step) {
	case 0:
		if (park(s, op))
			return;
		t->pick = below(s, CONVOYS);
		sync_op(op, OP_LOCK, t->pick % s->cfg.nodes, t->pick / s->cfg.nodes, 0, 0);
		break;
	case 1:
	case 2: touch(op, (t->pick * 2 + t->step) % s->n_pages, t->step == 2); break;
	default: sync_op(op, OP_UNLOCK, home, t->pick / s->cfg.nodes, 0, 0);
	}
	t->step = (t->step + 1) % 4;
}

/* A bounded buffer per group of threads: a mutex (0) and two conditions at one home. */
enum { BUFFER_ROOM = 4, NOT_EMPTY = 0, NOT_FULL = 1 };

static uint32_t buffers(const struct sim *s)
{
	uint32_t n = s->n_threads / 4;

	return n == 0 ? 1 : n < s->cfg.nodes ? n : s->cfg.nodes;
}

static void setup_locks(struct sim *s)
{
	for (uint16_t i = 0; i < s->cfg.nodes; i++)
		for (unsigned k = 0; k < CONVOYS; k++) {
			struct coh_event ev = { .kind = COH_EV_MUTEX_CREATE, .home = i };
			node_step(s, i, &ev);
			SIM_CHECK(s, s->fx.object == k, "mutex %u is number %u", k, s->fx.object);
		}
}

static void setup_buffers(struct sim *s)
{
	setup_locks(s);
	for (uint16_t i = 0; i < s->cfg.nodes; i++)
		for (unsigned k = 0; k < 2; k++) {
			struct coh_event ev = { .kind = COH_EV_COND_CREATE, .home = i };
			node_step(s, i, &ev);
			SIM_CHECK(s, s->created == CONVOYS + k, "condition %u is number %u", k,
			          s->created);
		}
}

/* Waits while there is nothing to do; else takes or puts one item. True: go on. */
static int buffer_turn(struct sim *s, uint32_t home, int producer, struct op *op)
{
	struct lock_model *l = &s->locks[(size_t)home * s->cfg.locks];

	if (producer ? l->items == BUFFER_ROOM : l->items == 0) {
		if (s->draining)
			return 0;
		sync_op(op, OP_COND_WAIT, home, CONVOYS + (producer ? NOT_FULL : NOT_EMPTY), 0, 0);
		return 1;
	}
	touch(op, (home * BUFFER_ROOM + l->items) % s->n_pages, producer);
	return 1;
}

static void next_buffer(struct sim *s, struct thread *t, struct op *op)
{
	uint32_t n = buffers(s), home = number(s, t) % n;
	int producer = number(s, t) / n & 1;

	switch (t->step) {
	case 0: /* a thread that parks wakes all who wait: they see that we drain */
		t->step = s->draining ? 5 : 1;
		sync_op(op, OP_LOCK, home, 0, 0, 0);
		return;
	case 1:
		if (!buffer_turn(s, home, producer, op)) {
			t->step = 0;
			sync_op(op, OP_UNLOCK, home, 0, 0, 0);
		} else if (op->kind == OP_ACCESS) {
			t->step = 2;
		}
		return;
	case 2:
		s->locks[(size_t)home * s->cfg.locks].items += producer ? 1 : -1;
		t->step = 3;
		sync_op(op, OP_COND_SIGNAL, home, CONVOYS + (producer ? NOT_EMPTY : NOT_FULL), 0,
		        1);
		return;
	case 3:
		t->step = 0;
		sync_op(op, OP_UNLOCK, home, 0, 0, 0);
		return;
	case 5:
	case 6: sync_op(op, OP_COND_SIGNAL, home, CONVOYS + t->step - 5, 0, 0); break;
	case 7: sync_op(op, OP_UNLOCK, home, 0, 0, 0); break;
	default:
		op->kind = OP_PARK;
		t->step = 0;
		return;
	}
	t->step++;
}

const struct workload sim_workloads[] = {
	{ "uniform", "any page, one write in four", NULL, next_uniform, 1, 1 },
	{ "zipf", "few hot pages, a long tail", NULL, next_zipf, 1, 1 },
	{ "producer", "one writer a page, two readers", NULL, next_producer, 0, 1 },
	{ "migratory", "read then write by one after the other", NULL, next_migratory, 0, 1 },
	{ "false-sharing", "four threads write words of their own in one page", NULL,
	  next_false_sharing, 1, 1 },
	{ "scatter", "write to all pages in no order, barrier", NULL, next_scatter, 1, 0 },
	{ "stencil", "read the neighbours' edges, write one's own, barrier", NULL, next_stencil,
	  0, 0 },
	{ "read-mostly", "any page, one write in 500", NULL, next_read_mostly, 1, 1 },
	{ "scan", "sequential reads with prefetched runs", NULL, next_scan, 1, 1 },
	{ "hot", "all threads on two pages, half of it atomics", NULL, next_hot, 0, 1 },
	{ "convoy", "all threads on four mutexes", setup_locks, next_convoy, 0, 0 },
	{ "buffer", "bounded buffers under mutex and two conditions", setup_buffers, next_buffer,
	  0, 0 },
	{ 0 },
};

/* Turns some plain accesses into something else. */
static void mix(struct sim *s, struct op *op)
{
	const struct sim_config *c = &s->cfg;
	uint32_t page = op->touch[0].page, left = s->n_pages - page;

	if (rng_one_in(&s->rng, c->pair_in)) {
		/* one instruction that touches more pages than one */
		uint32_t more = 1 + below(s, OP_TOUCHES - 1);
		while (more--)
			touch(op, (page + below(s, 8)) % s->n_pages, below(s, 2));
	} else if (rng_one_in(&s->rng, c->atomic_in)) {
		op->kind = OP_ATOMIC;
	} else if (rng_one_in(&s->rng, c->prefetch_in)) {
		uint32_t n = 1 + below(s, COH_MAX_RUN + 8);
		op->kind = OP_PREFETCH;
		op->n = n < left ? n : left;
	} else if (rng_one_in(&s->rng, c->evict_in)) {
		op->kind = OP_EVICT;
	} else if (rng_one_in(&s->rng, c->discard_in)) {
		uint32_t n = 1 + below(s, COH_MAX_RUN);
		op->kind = OP_DISCARD;
		op->n = n < left ? n : left;
	} else if (rng_one_in(&s->rng, c->futex_in)) {
		/* of few pages, so that somebody waits when another one wakes */
		op->touch[0].page = page % (s->n_pages < 3 ? s->n_pages : 3);
		op->kind = below(s, 5) < 3 ? OP_FUTEX_WAIT : OP_FUTEX_WAKE;
		op->own = below(s, 2);
		op->value = op->kind == OP_FUTEX_WAKE ? 1 + below(s, 2) * 100 : below(s, 4) == 0;
	}
}

void work_next(struct sim *s, struct thread *t, struct op *op)
{
	s->cfg.work->next(s, t, op);
	if (s->cfg.work->anywhere && op->kind == OP_ACCESS)
		op->touch[0].at = t->ops * 8 % 4096;
	if (s->cfg.work->mix && op->kind == OP_ACCESS)
		mix(s, op);
}

const struct workload *workload_find(const char *name)
{
	for (const struct workload *w = sim_workloads; w->name; w++)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}
