/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditions of dsm_sync.h. */
#include "dsm/calls/objects.h"
#include "dsm/calls/states.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

static int check(const struct dsm *d, const struct dsm_sync_cond *c)
{
	return word_check(d, c, sizeof *c, sizeof c->word);
}

/* The half of the word that threads wait for. */
static const uint32_t *turn_at(const struct dsm_sync_cond *c)
{
	const uint32_t *half = (const uint32_t *)&c->word;

	return half + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

/* Slept long enough, or could not: off the number of those who wait, unless a signal was there. */
static void leave(struct dsm *d, struct dsm_sync_cond *c, uint32_t turn)
{
	const int near = word_is_here(d, &c->word);
	uint64_t was, is;
	int rc = word_load64(d, near, &c->word, &is);

	while (rc == 0 && cond_may_leave(is, turn)) {
		was = is;
		rc = word_compare_swap64(d, near, &c->word, was, was - COND_ONE_WAITS, &is);
		if (is == was)
			return;
	}
}

/* The mutex is held by the caller, also afterwards. */
static int wait_until(struct dsm *d, struct dsm_sync_cond *c, struct dsm_sync_mutex *m,
                      uint64_t until_ns)
{
	uint64_t before;
	uint32_t turn;
	int rc, again;

	if (check(d, c) || word_check(d, m, sizeof *m, sizeof m->owner))
		return DSM_ERR_INVAL;
	rc = word_add64(d, word_is_here(d, &c->word), &c->word, COND_ONE_WAITS, &before);
	if (rc)
		return rc;
	turn = cond_turn(before);
	rc = mutex_unlock(d, m);
	if (rc) {
		leave(d, c, turn);
		return rc;
	}
	rc = word_wait(d, turn_at(c), 0, turn, until_ns);
	if (rc == DSM_ERR_CHANGED)
		rc = 0; /* signalled before it slept */
	if (rc && rc != DSM_ERR_LOST)
		leave(d, c, turn);
	if (rc == DSM_ERR_VIEW)
		rc = 0; /* woken for nothing, perhaps */
	again = mutex_lock_until(d, m, WAITS_FOR_EVER);
	return again ? again : rc;
}

int dsm_sync_cond_wait(dsm_t *d, struct dsm_sync_cond *c, struct dsm_sync_mutex *m)
{
	NODE_ENTRY(dsm_sync_cond_wait, d, c, m);

	return wait_until(d, c, m, WAITS_FOR_EVER);
}

int dsm_sync_cond_timedwait(dsm_t *d, struct dsm_sync_cond *c, struct dsm_sync_mutex *m,
                            uint64_t until_ns)
{
	NODE_ENTRY(dsm_sync_cond_timedwait, d, c, m, until_ns);

	return wait_until(d, c, m, until_ns);
}

/* Of nobody who waits nothing is changed, and nobody is asked if the page is here. What this node has written is on
 * two nodes all the same when this returns. */
static int wake(struct dsm *d, struct dsm_sync_cond *c, uint64_t (*next)(uint64_t), uint32_t count)
{
	const int near = word_is_here(d, &c->word);
	uint64_t was, is;
	uint32_t woken;
	int rc = check(d, c);

	if (rc == 0)
		rc = word_load64(d, near || word_is_readable(d, &c->word), &c->word, &is);
	while (rc == 0 && cond_waits(is)) {
		was = is;
		rc = word_compare_swap64(d, near, &c->word, was, next(was), &is);
		if (rc == 0 && is == was) {
			rc = word_wake(d, turn_at(c), 0, count, &woken);
			return rc == DSM_ERR_VIEW ? 0 : rc; /* all have been woken */
		}
	}
	return rc ? rc : node_secure(d);
}

int dsm_sync_cond_signal(dsm_t *d, struct dsm_sync_cond *c)
{
	NODE_ENTRY(dsm_sync_cond_signal, d, c);

	return wake(d, c, cond_signalled, 1);
}

int dsm_sync_cond_broadcast(dsm_t *d, struct dsm_sync_cond *c)
{
	NODE_ENTRY(dsm_sync_cond_broadcast, d, c);

	return wake(d, c, cond_broadcast, UINT32_MAX);
}
