/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes of dsm_sync.h: whose they are, and how often. */
#include "dsm/calls/objects.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

#define MUTEX_DEEP 0xffff

/* Who: thread in bits 0 to 31, node plus one from 48; how often beyond once from 32. */
static uint64_t me(const struct dsm *d)
{
	return (uint64_t)(d->engine.cfg.self + 1) << 48 | clock_thread();
}
static uint64_t who(uint64_t owner)
{
	return owner & ~((uint64_t)MUTEX_DEEP << 32);
}
static unsigned depth(uint64_t owner)
{
	return owner >> 32 & MUTEX_DEEP;
}

static int check(const struct dsm *d, const struct dsm_sync_mutex *m)
{
	return word_check(d, m, sizeof *m, sizeof m->owner);
}

/* Where nodes may die no page is moved for it: of one that is lost an atomic says so. */
static int kind_of(struct dsm *d, struct dsm_sync_mutex *m, uint32_t *kind)
{
	int rc = d->view.on && word_peek(d, &m->kind, sizeof *kind, kind)
	                 ? 0
	                 : word_load(d, !d->view.on, &m->kind, kind);

	return rc || *kind <= DSM_SYNC_RECURSIVE ? rc : DSM_ERR_INVAL;
}

/* For whoever may have it: his own word is not old. */
static int owner_of(struct dsm *d, struct dsm_sync_mutex *m, uint64_t *owner)
{
	if (d->view.on && word_peek(d, &m->owner, sizeof *owner, owner))
		return 0;
	return word_load64(d, word_is_readable(d, &m->owner), &m->owner, owner);
}

/* Of whoever has it. */
static int set_owner(struct dsm *d, struct dsm_sync_mutex *m, uint64_t owner)
{
	uint64_t was, is;
	int rc;

	if (!d->view.on) {
		__atomic_store_n(&m->owner, owner, __ATOMIC_RELAXED);
		return 0;
	}
	rc = word_load64(d, 0, &m->owner, &is);
	do {
		was = is;
		if (rc == 0)
			rc = word_compare_swap64(d, 0, &m->owner, was, owner, &is);
	} while (rc == 0 && is != was);
	return rc;
}

/* got: what has come of taking it. */
static int own(struct dsm *d, struct dsm_sync_mutex *m, int got)
{
	int rc = got == 0 || got == DSM_ERR_OWNER_DEAD ? set_owner(d, m, me(d)) : 0;

	if (rc)
		turn_lose(d, m);
	return rc ? rc : got;
}

/* Whether the caller has it, so that no more is to be done; how that ends goes to *rc. */
static int is_again(struct dsm *d, struct dsm_sync_mutex *m, uint32_t kind, int *rc)
{
	uint64_t owner;

	*rc = owner_of(d, m, &owner);
	if (*rc || who(owner) != me(d))
		return *rc != 0;
	if (kind == DSM_SYNC_CHECKED)
		*rc = DSM_ERR_BUSY;
	else if (depth(owner) == MUTEX_DEEP)
		*rc = DSM_ERR_NOMEM;
	else
		*rc = set_owner(d, m, owner + (UINT64_C(1) << 32));
	return 1;
}

/* Whether another node may have had it last: its page has to come, or that node has asked here. Where nodes may die
 * nothing is asked for ahead. */
static int was_away(struct dsm *d, const struct dsm_sync_mutex *m)
{
	return !d->view.on && (!word_is_here(d, &m->word) ||
	                       bound_was_lent(&d->bound, (uint64_t)region_page_of(&d->memory.region, m)));
}

/* What it guards has to come, too. */
static void ask_bound(struct dsm *d, const struct dsm_sync_mutex *m)
{
	sigset_t mask;

	node_lock(d, &mask);
	node_ask_bound(d, clock_thread(), (uintptr_t)m | BOUND_KEY);
	node_hand_over(d);
	node_unlock(d, &mask);
}

static int lock_until(struct dsm *d, struct dsm_sync_mutex *m, uint64_t until_ns)
{
	uint32_t kind;
	int rc = kind_of(d, m, &kind);

	if (rc)
		return rc;
	if (kind == DSM_SYNC_PLAIN)
		return turn_take(d, m, until_ns);
	if (is_again(d, m, kind, &rc))
		return rc;
	return own(d, m, turn_take(d, m, until_ns));
}

int mutex_lock_until(struct dsm *d, struct dsm_sync_mutex *m, uint64_t until_ns)
{
	const int away = was_away(d, m); /* before its page is touched */
	int rc = lock_until(d, m, until_ns);

	if (rc == 0 && away)
		ask_bound(d, m);
	return rc;
}

int mutex_try(struct dsm *d, struct dsm_sync_mutex *m)
{
	uint32_t kind;
	int rc = kind_of(d, m, &kind);

	if (rc)
		return rc;
	if (kind == DSM_SYNC_PLAIN)
		return turn_try(d, m);
	if (is_again(d, m, kind, &rc))
		return rc;
	return own(d, m, turn_try(d, m));
}

static int unlock(struct dsm *d, struct dsm_sync_mutex *m)
{
	uint64_t owner;
	uint32_t kind;
	int rc = kind_of(d, m, &kind);

	if (rc)
		return rc;
	if (kind == DSM_SYNC_PLAIN)
		return turn_give(d, m);
	rc = owner_of(d, m, &owner);
	if (rc || who(owner) != me(d))
		return rc ? rc : DSM_ERR_PERM;
	if (depth(owner))
		return set_owner(d, m, owner - (UINT64_C(1) << 32));
	rc = set_owner(d, m, 0);
	return rc ? rc : turn_give(d, m);
}

int mutex_unlock(struct dsm *d, struct dsm_sync_mutex *m)
{
	int rc = unlock(d, m);

	if (rc == DSM_ERR_LOST_DATA)
		turn_lose(d, m);
	return rc;
}

int dsm_sync_mutex_lock(dsm_t *d, struct dsm_sync_mutex *m)
{
	NODE_ENTRY(dsm_sync_mutex_lock, d, m);
	int rc = check(d, m);

	return rc ? rc : mutex_lock_until(d, m, WAITS_FOR_EVER);
}

int dsm_sync_mutex_timedlock(dsm_t *d, struct dsm_sync_mutex *m, uint64_t until_ns)
{
	NODE_ENTRY(dsm_sync_mutex_timedlock, d, m, until_ns);
	int rc = check(d, m);

	return rc ? rc : mutex_lock_until(d, m, until_ns);
}

int dsm_sync_mutex_trylock(dsm_t *d, struct dsm_sync_mutex *m)
{
	NODE_ENTRY(dsm_sync_mutex_trylock, d, m);
	int rc = check(d, m);

	return rc ? rc : mutex_try(d, m);
}

int dsm_sync_mutex_unlock(dsm_t *d, struct dsm_sync_mutex *m)
{
	NODE_ENTRY(dsm_sync_mutex_unlock, d, m);
	int rc = check(d, m);

	return rc ? rc : mutex_unlock(d, m);
}
