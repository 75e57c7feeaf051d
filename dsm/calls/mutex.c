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
	int rc = word_load(d, !d->view.on || word_is_readable(d, &m->kind), &m->kind, kind);

	return rc || *kind <= DSM_SYNC_RECURSIVE ? rc : DSM_ERR_INVAL;
}

static void set_owner(struct dsm_sync_mutex *m, uint64_t owner)
{
	__atomic_store_n(&m->owner, owner, __ATOMIC_RELAXED);
}

/* Whether the caller has it, so that no more is to be done; how that ends goes to *rc. */
static int is_again(struct dsm *d, struct dsm_sync_mutex *m, uint32_t kind, int *rc)
{
	uint64_t owner;

	*rc = word_load64(d, word_is_readable(d, &m->owner), &m->owner, &owner);
	if (*rc || who(owner) != me(d))
		return *rc != 0;
	if (kind == DSM_SYNC_CHECKED)
		*rc = DSM_ERR_BUSY;
	else if (depth(owner) == MUTEX_DEEP)
		*rc = DSM_ERR_NOMEM;
	else
		set_owner(m, owner + (UINT64_C(1) << 32));
	return 1;
}

int mutex_lock_until(struct dsm *d, struct dsm_sync_mutex *m, uint64_t until_ns)
{
	uint32_t kind;
	int rc = kind_of(d, m, &kind);

	if (rc)
		return rc;
	if (kind == DSM_SYNC_PLAIN)
		return turn_take(d, m, until_ns);
	if (is_again(d, m, kind, &rc))
		return rc;
	rc = turn_take(d, m, until_ns);
	if (rc == 0 || rc == DSM_ERR_OWNER_DEAD)
		set_owner(m, me(d));
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
	rc = turn_try(d, m);
	if (rc == 0 || rc == DSM_ERR_OWNER_DEAD)
		set_owner(m, me(d));
	return rc;
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
	rc = word_load64(d, word_is_readable(d, &m->owner), &m->owner, &owner);
	if (rc || who(owner) != me(d))
		return rc ? rc : DSM_ERR_PERM;
	if (depth(owner)) {
		set_owner(m, owner - (UINT64_C(1) << 32));
		return 0;
	}
	set_owner(m, 0);
	return turn_give(d, m);
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
