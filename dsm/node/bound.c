/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that are asked for together with a lock because they were needed the last times. */
#include "dsm/node/bound.h"

#include <stddef.h>

#define SEEN 2     /* times that a page is faulted on: from then on it is asked for */
#define DOUBT 4    /* more of them, each time that one was not used */
#define DOUBT_MAX 60
#define STALE 2    /* times in a row that one was not needed: another one may take its place */
#define ASKED 15   /* times before it is looked at again whether it still is faulted on */

static struct bound_lock *place_of(struct bounds *b, uint64_t key)
{
	return &b->lock[(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % BOUND_LOCKS];
}

void bound_begin(struct bounds *b, uint32_t thread, uint64_t key)
{
	b->in[thread % BOUND_THREADS] = (struct bound_thread){ .thread = thread, .key = key };
}

void bound_end(struct bounds *b, uint32_t thread)
{
	struct bound_thread *in = &b->in[thread % BOUND_THREADS];

	if (in->thread == thread)
		in->key = 0;
}

/* A new one takes the place of one that was not needed the last times. Where more are needed than are remembered the
 * first ones stay. */
static void note(struct bound_lock *l, uint64_t page, int write)
{
	const uint8_t most = (uint8_t)(SEEN + l->doubt);
	struct bound_page *old = NULL;

	for (unsigned i = 0; i < BOUND_PAGES; i++) {
		struct bound_page *p = &l->page[i];

		if (p->page == page + 1) {
			p->times += p->times < most;
			p->writes |= !!write;
			p->turn = l->turn;
			return;
		}
		if (!p->page || (uint8_t)(l->turn - p->turn) >= STALE)
			old = p;
	}
	if (old)
		*old = (struct bound_page){ .page = page + 1, .times = 1, .writes = !!write, .turn = l->turn };
}

void bound_fault(struct bounds *b, uint32_t thread, uint64_t page, int write)
{
	const struct bound_thread *in = &b->in[thread % BOUND_THREADS];
	struct bound_lock *l;

	if (!in->key || in->thread != thread)
		return;
	l = place_of(b, in->key);
	if (l->key != in->key)
		*l = (struct bound_lock){ .key = in->key };
	note(l, page, write);
}

/* Those that are still needed are faulted on now, and come back to what they were. */
static void look_again(struct bound_lock *l)
{
	l->asked = 0;
	for (unsigned i = 0; i < BOUND_PAGES; i++)
		if (l->page[i].times >= SEEN + l->doubt)
			l->page[i].times--;
}

unsigned bound_pages(struct bounds *b, uint64_t key, struct bound_page ask[BOUND_PAGES])
{
	struct bound_lock *l = place_of(b, key);
	unsigned n = 0;

	if (l->key != key)
		return 0;
	l->turn++;
	if (l->asked == ASKED) {
		look_again(l);
		return 0;
	}
	for (unsigned i = 0; i < BOUND_PAGES; i++)
		if (l->page[i].times >= SEEN + l->doubt) {
			l->page[i].turn = l->turn;
			ask[n] = l->page[i];
			ask[n++].page--;
		}
	if (n) {
		l->asked++;
		l->doubted = 0;
	}
	return n;
}

void bound_used(struct bounds *b, uint64_t key, uint64_t page, int used)
{
	struct bound_lock *l = place_of(b, key);

	if (l->key != key)
		return;
	if (used) {
		l->doubt -= l->doubt > 0;
		return;
	}
	if (!l->doubted && l->doubt < DOUBT_MAX)
		l->doubt += DOUBT;
	l->doubted = 1;
	for (unsigned i = 0; i < BOUND_PAGES; i++)
		if (l->page[i].page == page + 1)
			l->page[i] = (struct bound_page){ 0 };
}

/* Relaxed: what it says is a guess. */
void bound_lend(struct bounds *b, uint64_t page)
{
	__atomic_store_n(&b->lent[page % BOUND_LENT], 1, __ATOMIC_RELAXED);
}

int bound_was_lent(struct bounds *b, uint64_t page)
{
	uint8_t *lent = &b->lent[page % BOUND_LENT];

	if (!__atomic_load_n(lent, __ATOMIC_RELAXED))
		return 0;
	__atomic_store_n(lent, 0, __ATOMIC_RELAXED);
	return 1;
}
