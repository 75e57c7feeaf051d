/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Barriers and once of dsm_sync.h where nodes may die. A barrier is of the view that it was made in: nobody
 * knows how many of those who come, or were to come, are dead when that is over, so it is broken then, until
 * it is made anew. Whether it has opened before all who have come find alike: who would say that
 * it is broken first makes it so.
 */
#include "dsm/calls/robust.h"
#include "dsm/calls/states.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

#define NEVER_NEAR 0

/* --- barrier --- */

static const uint32_t *turn_at(const struct dsm_sync_barrier *b)
{
	const uint32_t *half = (const uint32_t *)&b->word;

	return half + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

/* Of who has come in that turn, or would: it has opened, 0, or else it is broken from now on, and has
 * never opened: DSM_ERR_VIEW. */
static int break_in(struct dsm *d, struct dsm_sync_barrier *b, uint32_t turn)
{
	uint64_t was, is;
	int rc = word_load64(d, NEVER_NEAR, &b->word, &is);

	while (rc == 0 && barrier_turn(is) == turn && owned_barrier_come(is) != BARRIER_BROKEN) {
		was = is;
		rc = word_compare_swap64(d, NEVER_NEAR, &b->word, was, owned_barrier_broken(was), &is);
		if (rc == 0 && is == was)
			return DSM_ERR_VIEW;
	}
	if (rc)
		return rc;
	return barrier_turn(is) == turn ? DSM_ERR_VIEW : 0;
}

static int wait_turn(struct dsm *d, struct dsm_sync_barrier *b, uint32_t turn, uint32_t view)
{
	uint64_t is;
	int rc;

	do
		rc = word_wait_in(d, view, turn_at(b), 0, turn, WAITS_FOR_EVER);
	while (rc == 0);
	if (rc == DSM_ERR_VIEW)
		return break_in(d, b, turn);
	if (rc != DSM_ERR_CHANGED)
		return rc;
	return word_load64(d, NEVER_NEAR, &b->word, &is); /* or it is lost */
}

/* Another one has come, in that view: its turn is over then, or he waits. */
static int has_come(struct dsm *d, struct dsm_sync_barrier *b, uint64_t is, uint32_t view)
{
	uint32_t woken;
	int rc;

	if (owned_barrier_come(is))
		return wait_turn(d, b, barrier_turn(is), view);
	rc = word_wake(d, turn_at(b), 0, UINT32_MAX, &woken);
	return rc && rc != DSM_ERR_VIEW ? rc : DSM_SYNC_LAST;
}

int robust_barrier(struct dsm *d, struct dsm_sync_barrier *b)
{
	uint64_t was, is;
	uint32_t threads, view;
	int rc = word_load(d, NEVER_NEAR, &b->threads, &threads);

	if (rc == 0 && (threads == 0 || threads >= BARRIER_BROKEN))
		rc = DSM_ERR_INVAL;
	if (rc == 0)
		rc = word_load64(d, NEVER_NEAR, &b->word, &is);
	while (rc == 0) {
		view = robust_view(d);
		if (owned_barrier_come(is) == BARRIER_BROKEN)
			return DSM_ERR_VIEW;
		if (owned_barrier_view(is) != view) {
			rc = owned_barrier_view(is) < view ? break_in(d, b, barrier_turn(is)) : 0;
			if (rc == 0)
				rc = word_load64(d, NEVER_NEAR, &b->word, &is);
			continue; /* it has opened meanwhile, or this node is about to hear of the view */
		}
		was = is;
		rc = word_compare_swap64(d, NEVER_NEAR, &b->word, was,
		                         owned_barrier_next(was, view, threads), &is);
		if (rc == 0 && is == was)
			return has_come(d, b, owned_barrier_next(was, view, threads), view);
	}
	return rc;
}

int robust_barrier_reset(struct dsm *d, struct dsm_sync_barrier *b, uint32_t threads, uint32_t view)
{
	uint32_t old;
	uint64_t was, is;
	int rc;

	if (threads == 0 || threads >= BARRIER_BROKEN || view == 0 || view > robust_view(d))
		return DSM_ERR_INVAL;
	rc = word_load64(d, NEVER_NEAR, &b->word, &is);
	if (rc == 0)
		rc = dsm_swap32(d, &b->threads, threads, &old);
	while (rc == 0) {
		was = is;
		rc = word_compare_swap64(d, NEVER_NEAR, &b->word, was, owned_barrier_anew(was, view), &is);
		if (rc == 0 && is == was)
			return 0;
	}
	return rc;
}

/* --- once --- */

int robust_once_begin(struct dsm *d, struct dsm_sync_once *o)
{
	uint32_t was, is, view;
	int rc = word_load(d, word_is_readable(d, &o->word), &o->word, &is);

	while (rc == 0 && is != ONCE_DONE) {
		if (is == ONCE_NOT_YET || !robust_node_lives(d, once_node(is), &view)) {
			was = is;
			rc = word_compare_swap(d, NEVER_NEAR, &o->word, was,
			                       once_now_by(d->engine.cfg.self), &is);
			if (rc == 0 && is == was)
				return 1;
			continue;
		}
		rc = word_wait_in(d, view, &o->word, 0, is, WAITS_FOR_EVER);
		if (rc == 0 || rc == DSM_ERR_CHANGED || rc == DSM_ERR_VIEW)
			rc = word_load(d, NEVER_NEAR, &o->word, &is);
	}
	return rc;
}

int robust_once_end(struct dsm *d, struct dsm_sync_once *o)
{
	uint32_t was, woken;
	int rc = word_compare_swap(d, NEVER_NEAR, &o->word, once_now_by(d->engine.cfg.self), ONCE_DONE,
	                           &was);

	if (rc == 0)
		rc = word_wake(d, &o->word, 0, UINT32_MAX, &woken);
	return rc == DSM_ERR_VIEW ? 0 : rc;
}
