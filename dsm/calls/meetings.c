/* SPDX-License-Identifier: BSD-2-Clause */
/* Barriers and once of dsm_sync.h: threads that wait for what happens to all of them. Where nodes may die:
 * robust_meet.c. */
#include "dsm/calls/robust.h"
#include "dsm/calls/states.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/dsm_sync.h"
#include "dsm/node/node.h"

/* Until the word is another. Who was woken for something earlier waits on. */
static int wait_while(struct dsm *d, const uint32_t *word, uint32_t is)
{
	int rc;

	do
		rc = word_wait(d, word, 0, is, WAITS_FOR_EVER);
	while (rc == 0);
	return rc == DSM_ERR_CHANGED ? 0 : rc;
}

/* --- barrier --- */

static const uint32_t *turn_at(const struct dsm_sync_barrier *b)
{
	const uint32_t *half = (const uint32_t *)&b->word;

	return half + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

int dsm_sync_barrier_wait(dsm_t *d, struct dsm_sync_barrier *b)
{
	NODE_ENTRY(dsm_sync_barrier_wait, d, b);
	uint32_t threads, woken;
	uint64_t before;
	int rc = word_check(d, b, sizeof *b, sizeof b->word);

	if (rc == 0 && d->view.on)
		return robust_barrier(d, b);
	if (rc || (threads = b->threads) == 0)
		return DSM_ERR_INVAL;
	rc = word_add64(d, word_is_here(d, &b->word), &b->word, 1, &before);
	if (rc)
		return rc;
	if (!barrier_is_full(before, threads))
		return wait_while(d, turn_at(b), barrier_turn(before));
	rc = word_add64(d, word_is_here(d, &b->word), &b->word, barrier_next(threads), &before);
	if (rc == 0)
		rc = word_wake(d, turn_at(b), 0, UINT32_MAX, &woken);
	return rc ? rc : DSM_SYNC_LAST;
}

int dsm_sync_barrier_reset(dsm_t *d, struct dsm_sync_barrier *b, uint32_t threads, uint32_t view)
{
	NODE_ENTRY(dsm_sync_barrier_reset, d, b, threads, view);
	int rc = word_check(d, b, sizeof *b, sizeof b->word);

	if (rc == 0 && !d->view.on)
		rc = DSM_ERR_NOTSUP;
	return rc ? rc : robust_barrier_reset(d, b, threads, view);
}

/* --- once --- */

/* 1: the caller is to do it; 0: it is done. */
static int once_begin(struct dsm *d, struct dsm_sync_once *o)
{
	NODE_ENTRY(once_begin, d, o);
	uint32_t was;
	int rc = word_check(d, o, sizeof *o, sizeof o->word);

	if (rc == 0 && d->view.on)
		return robust_once_begin(d, o);
	/* A copy of the page stays here: mostly it is done. */
	if (rc || __atomic_load_n(&o->word, __ATOMIC_SEQ_CST) == ONCE_DONE)
		return rc;
	rc = word_compare_swap(d, word_is_here(d, &o->word), &o->word, ONCE_NOT_YET, ONCE_NOW,
	                       &was);
	if (rc || was == ONCE_NOT_YET)
		return rc ? rc : 1;
	return was == ONCE_DONE ? 0 : wait_while(d, &o->word, ONCE_NOW);
}

static int once_end(struct dsm *d, struct dsm_sync_once *o)
{
	NODE_ENTRY(once_end, d, o);
	uint32_t was, woken;
	int rc;

	if (d->view.on)
		return robust_once_end(d, o);
	rc = word_compare_swap(d, word_is_here(d, &o->word), &o->word, ONCE_NOW, ONCE_DONE, &was);
	return rc ? rc : word_wake(d, &o->word, 0, UINT32_MAX, &woken);
}

int dsm_sync_once_call(dsm_t *d, struct dsm_sync_once *o, void (*fn)(void *arg), void *arg)
{
	int rc = once_begin(d, o);

	if (rc <= 0)
		return rc;
	fn(arg);
	return once_end(d, o);
}
