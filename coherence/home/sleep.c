/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that wait for a word, at its home. The page is busy from before the word is compared
 * until the thread is in the queue, and a wake waits for that: so it finds everybody for whom the
 * word held, when it was called, what he expected. Words share queues, as they are many.
 */
#include <errno.h>

#include "coherence/home/home.h"

static uint32_t number_of(const struct coh *c, coh_node node, uint16_t slot)
{
	return (uint32_t)node * c->cfg.futex_slots + slot;
}

int coh_home_sleeps(struct coh *c, coh_node node, uint16_t slot)
{
	return sleeper_at(c, number_of(c, node, slot))->asleep;
}

/* --- queues --- */

static struct doze_queue *queue_of(struct coh *c, uint64_t page, uint32_t offset)
{
	uint64_t word = coh_home_index(&c->cfg, page) << 19 | offset / 4;

	return queue_at(c, (unsigned)(word * UINT64_C(0x9e3779b97f4a7c15) >> 40) % c->n_queues);
}

static void enqueue(struct coh *c, uint32_t number, uint64_t page, uint32_t offset)
{
	struct doze_queue *q = queue_of(c, page, offset);

	*sleeper_at(c, number) =
		(struct sleeper){.asleep = 1, .offset = offset, .page = page, .prev = q->last};
	if (q->last)
		sleeper_at(c, q->last - 1)->next = number + 1;
	else
		q->first = number + 1;
	q->last = number + 1;
	c->asleep++;
}

static void dequeue(struct coh *c, uint32_t number)
{
	struct sleeper *s = sleeper_at(c, number);
	struct doze_queue *q = queue_of(c, s->page, s->offset);

	*(s->prev ? &sleeper_at(c, s->prev - 1)->next : &q->first) = s->next;
	*(s->next ? &sleeper_at(c, s->next - 1)->prev : &q->last) = s->prev;
	*s = (struct sleeper){0};
	c->asleep--;
}

/* --- a wait --- */

void coh_home_act_compare_here(struct take *t)
{
	coh_answer_compare(t->c, t->fx, t->txn->page, &t->txn->futex);
}

void coh_home_act_fwd_compare(struct take *t)
{
	/* By its cache, where another node is to see what this one has written (cache/leave.c). */
	if ((t->dir->owner == t->c->cfg.self && !t->c->cfg.secure_pages) || MUTANT(COMPARE_AT_HOME))
		coh_answer_compare(t->c, t->fx, t->txn->page, &t->txn->futex);
	else
		coh_home_fwd(t, COH_MSG_FWD_COMPARE, 0)->futex = t->txn->futex;
}

static void respond(struct take *t, uint32_t value, uint32_t left)
{
	const struct txn *txn = t->txn;
	struct coh_msg *m;

	if (txn->requestor == t->c->cfg.self) {
		coh_dozer_answer(t->c, t->fx, txn->slot, value, left);
		return;
	}
	m = coh_fx_send(t->c, t->fx, txn->requestor, COH_MSG_FUTEX_RESP, txn->page);
	m->slot = txn->slot;
	m->futex.value = value;
	m->futex.left = left;
}

void coh_home_act_differs(struct take *t)
{
	respond(t, 0, 0);
	coh_home_release(t);
}

static void put_to_sleep(struct take *t)
{
	const struct txn *txn = t->txn;

	if (coh_home_sleeps(t->c, txn->requestor, txn->futex.slot)) {
		respond(t, 0, 0); /* a peer that asks twice for one thread */
		return;
	}
	enqueue(t->c, number_of(t->c, txn->requestor, txn->futex.slot), txn->page,
	        txn->futex.offset);
	t->fx->count[COH_N_SLEEP]++;
	respond(t, 1, 0);
}

void coh_home_act_sleep(struct take *t)
{
	put_to_sleep(t);
	coh_home_release(t);
}

/* --- its end --- */

static void tell(struct coh *c, struct coh_effects *fx, uint32_t number, uint64_t page, int woken)
{
	coh_node node = (coh_node)(number / c->cfg.futex_slots);
	uint16_t slot = (uint16_t)(number % c->cfg.futex_slots);
	struct coh_msg *m;

	if (node == c->cfg.self) {
		coh_dozer_end(c, fx, slot, woken ? 0 : -ETIMEDOUT);
		return;
	}
	m = coh_fx_send(c, fx, node, COH_MSG_FUTEX_WOKEN, page);
	m->futex.slot = slot;
	m->futex.value = (uint32_t)woken;
}

void coh_home_cancel(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	uint32_t number = number_of(c, from, m->futex.slot);
	const struct sleeper *s = sleeper_at(c, number);

	if (!s->asleep || s->page != m->page)
		return; /* a wake was first, and its news is under way */
	tell(c, fx, number, m->page, 0);
	if (!MUTANT(CANCELLED_STAYS))
		dequeue(c, number);
}

static int is_of(const struct sleeper *s, const struct txn *txn)
{
	const uint32_t other = s->offset ^ txn->futex.offset;

	return s->page == txn->page && (!other || (MUTANT(WAKES_OWN) && other == COH_FUTEX_OWN));
}

/* How many sleep for the word, from this one on. */
static uint32_t count_from(struct coh *c, const struct txn *txn, uint32_t ref)
{
	uint32_t n = 0;

	for (; ref; ref = sleeper_at(c, ref - 1)->next)
		n += is_of(sleeper_at(c, ref - 1), txn);
	return n;
}

/* What is about the queue alone: the page need not be free for it, nor be looked at. */
int coh_home_asks_queue(const struct take *t)
{
	return t->txn->type == COH_MSG_FUTEX_WAKE ||
	       (t->txn->type == COH_MSG_FUTEX_WAIT && (t->txn->futex.offset & COH_FUTEX_OWN) &&
	        !MUTANT(OWN_COMPARED));
}

/* As many as one step may; the caller asks again for those who are left. */
static void wake(struct take *t)
{
	struct doze_queue *q = queue_of(t->c, t->txn->page, t->txn->futex.offset);
	uint32_t ref = MUTANT(WAKE_NEWEST) ? q->last : q->first, woken = 0, next, left = 0;

	for (; ref && woken < t->txn->futex.value; ref = next) {
		struct sleeper *s = sleeper_at(t->c, ref - 1);
		next = MUTANT(WAKE_NEWEST) ? s->prev : s->next;
		if (!is_of(s, t->txn))
			continue;
		if (t->fx->count[COH_N_WOKEN] == COH_MAX_WOKEN) {
			left = count_from(t->c, t->txn, ref);
			break;
		}
		if (!MUTANT(WOKEN_UNTOLD) || woken == 0)
			tell(t->c, t->fx, ref - 1, t->txn->page, 1);
		dequeue(t->c, ref - 1);
		woken++;
		t->fx->count[COH_N_WOKEN]++;
	}
	respond(t, woken, left);
}

/* It may be beside a transaction that makes the page busy. */
void coh_home_act_wake(struct take *t)
{
	if (t->txn->type == COH_MSG_FUTEX_WAIT)
		put_to_sleep(t);
	else
		wake(t);
	if (t->dir->txn == t->index + 1)
		t->dir->txn = 0;
	txn_is_done(t);
	*t->txn = (struct txn){0};
}
