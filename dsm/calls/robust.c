/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes and semaphores of dsm_sync.h where nodes may die. */
#include "dsm/calls/robust.h"

#include "dsm/calls/states.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_futex.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

#define NEVER_NEAR 0

static int load(struct dsm *d, uint32_t *word, uint32_t *is)
{
	return word_load(d, NEVER_NEAR, word, is);
}

/* 1: it is done; 0: *is was another, and is read; else a code. */
static int change(struct dsm *d, uint32_t *word, uint32_t *is, uint32_t to)
{
	const uint32_t was = *is;
	int rc = word_compare_swap(d, NEVER_NEAR, word, was, to, is);

	return rc ? rc : *is == was;
}

/* Says that threads wait, and does until the word may have changed, or that view, unless 0, has ended. 0:
 * it is to be looked at again. */
static int wait_for_change(struct dsm *d, uint32_t *word, uint32_t is, uint32_t view,
                           uint64_t until_ns)
{
	int rc = is & OWNED_WAITED ? 1 : change(d, word, &is, is | OWNED_WAITED);

	if (rc <= 0)
		return rc;
	rc = word_wait_in(d, view, word, 0, is | OWNED_WAITED, until_ns);
	return rc == DSM_ERR_CHANGED || rc == DSM_ERR_VIEW ? 0 : rc;
}

/* Who has waited looks again when a view ends his wait: then nobody is left to be woken. */
static int wake(struct dsm *d, uint32_t *word, uint32_t count)
{
	uint32_t woken;
	int rc = word_wake(d, word, 0, count, &woken);

	return rc == DSM_ERR_VIEW ? 0 : rc;
}

/* --- a mutex --- */

int robust_node_lives(struct dsm *d, uint32_t node, uint32_t *view)
{
	sigset_t mask;
	int lives;

	node_lock(d, &mask);
	*view = d->view.number;
	lives = node < d->engine.cfg.nodes && d->view.members >> node & 1;
	node_unlock(d, &mask);
	return lives;
}

uint32_t robust_view(struct dsm *d)
{
	uint32_t view;

	robust_node_lives(d, d->engine.cfg.self, &view);
	return view;
}

/* Nobody has it, or somebody who is dead: the caller takes it. Else DSM_ERR_BUSY: so it is in that view. */
static int take_free(struct dsm *d, uint32_t *word, uint32_t *is, int has_waited, uint32_t *view)
{
	for (;;) {
		const int orphan = !owned_is_free(*is) && !robust_node_lives(d, owned_node(*is), view);
		int rc;

		if (!owned_is_free(*is) && !orphan)
			return DSM_ERR_BUSY;
		rc = change(d, word, is, owned_taken(*is, d->engine.cfg.self, has_waited));
		if (rc)
			return rc < 0 ? rc : orphan ? DSM_ERR_OWNER_DEAD : 0;
	}
}

int robust_try(struct dsm *d, uint32_t *word)
{
	uint32_t is, view;
	int rc = load(d, word, &is);

	return rc ? rc : take_free(d, word, &is, 0, &view);
}

int robust_take(struct dsm *d, uint32_t *word, uint64_t until_ns)
{
	uint32_t is, view;
	int rc, has_waited = 0;

	for (;;) {
		rc = load(d, word, &is);
		if (rc == 0)
			rc = take_free(d, word, &is, has_waited, &view);
		if (rc != DSM_ERR_BUSY)
			return rc;
		rc = wait_for_change(d, word, is, view, until_ns);
		if (rc)
			return rc;
		has_waited = 1;
	}
}

int robust_is_ours(struct dsm *d, uint32_t *word)
{
	uint32_t is;
	int rc = load(d, word, &is);

	return rc || (!owned_is_free(is) && owned_node(is) == d->engine.cfg.self) ? rc : DSM_ERR_PERM;
}

int robust_give(struct dsm *d, uint32_t *word)
{
	uint32_t is;
	int rc = load(d, word, &is);

	while (rc == 0) {
		if (owned_is_free(is) || owned_node(is) != d->engine.cfg.self)
			return DSM_ERR_PERM;
		rc = change(d, word, &is, 0);
	}
	if (rc < 0)
		return rc;
	return is & OWNED_WAITED ? wake(d, word, 1) : 0;
}

/* --- a semaphore: who gives a place wakes all, and whoever finds none says anew that he waits --- */

static int sem_take_free(struct dsm *d, uint32_t *word, uint32_t *is)
{
	while (places_left(*is)) {
		int rc = change(d, word, is, *is - 1);

		if (rc)
			return rc < 0 ? rc : 0;
	}
	return DSM_ERR_BUSY;
}

int robust_sem_try(struct dsm *d, uint32_t *word)
{
	uint32_t is;
	int rc = load(d, word, &is);

	return rc ? rc : sem_take_free(d, word, &is);
}

int robust_sem_take(struct dsm *d, uint32_t *word, uint64_t until_ns)
{
	uint32_t is;
	int rc;

	for (;;) {
		rc = load(d, word, &is);
		if (rc == 0)
			rc = sem_take_free(d, word, &is);
		if (rc != DSM_ERR_BUSY)
			return rc;
		rc = wait_for_change(d, word, is, 0, until_ns);
		if (rc)
			return rc;
	}
}

int robust_sem_give(struct dsm *d, uint32_t *word)
{
	uint32_t is;
	int rc = load(d, word, &is);

	while (rc == 0)
		rc = change(d, word, &is, places_left(is) + 1);
	if (rc < 0)
		return rc;
	return is & OWNED_WAITED ? wake(d, word, UINT32_MAX) : 0;
}
