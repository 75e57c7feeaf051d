/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader-writer locks of dsm_sync.h where nodes may die. Who has it for writing has the turn, a mutex, and
 * is known by that. Of readers a map has a bit for each node that has any, which its first one sets and its
 * last one takes away; how many they are the node itself knows (dsm/node/read_locks.h). So who is dead counts
 * no more. The map is in the turn's owner, of which a plain mutex has no use.
 */
#include "dsm/calls/objects.h"
#include "dsm/calls/robust.h"
#include "dsm/calls/states.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

#define NEVER_NEAR 0

/* --- words --- */

static int load(struct dsm *d, struct dsm_sync_rwlock *l, uint32_t *is)
{
	return word_load(d, NEVER_NEAR, &l->word, is);
}

/* Until some bits of the word are off, others on. *is: what it is then. */
static int set_word(struct dsm *d, struct dsm_sync_rwlock *l, uint32_t off, uint32_t on, uint32_t *is)
{
	uint32_t was;
	int rc = load(d, l, is);

	while (rc == 0) {
		was = *is;
		rc = word_compare_swap(d, NEVER_NEAR, &l->word, was, (was & ~off) | on, is);
		if (rc == 0 && *is == was) {
			*is = (was & ~off) | on;
			return 0;
		}
	}
	return rc;
}

/* Whoever had the turn last is dead, and perhaps half through with what he wrote. */
static uint32_t orphan_of(int turn, uint32_t is)
{
	return turn == DSM_ERR_OWNER_DEAD && is & RW_WRITER ? RW_ORPHAN : 0;
}

static int told(uint32_t is)
{
	return is & RW_ORPHAN ? DSM_ERR_OWNER_DEAD : 0;
}

static int set_bit(struct dsm *d, struct dsm_sync_rwlock *l, int on)
{
	const uint64_t bit = UINT64_C(1) << d->engine.cfg.self;
	uint64_t was, is;
	int rc = word_load64(d, NEVER_NEAR, &l->turn.owner, &is);

	while (rc == 0 && (is & bit) != (on ? bit : 0)) {
		was = is;
		rc = word_compare_swap64(d, NEVER_NEAR, &l->turn.owner, was, was ^ bit, &is);
		if (rc == 0 && is == was)
			return 0;
	}
	return rc;
}

/* A writer who waits for readers looks again. */
static int tell_writer(struct dsm *d, struct dsm_sync_rwlock *l)
{
	uint32_t was, is, woken;
	int rc = load(d, l, &is);

	while (rc == 0 && is & RW_WRITER) {
		was = is;
		rc = word_compare_swap(d, NEVER_NEAR, &l->word, was, rw_left(was), &is);
		if (rc == 0 && is == was) {
			rc = word_wake(d, &l->word, 0, UINT32_MAX, &woken);
			return rc == DSM_ERR_VIEW ? 0 : rc; /* all have been woken */
		}
	}
	return rc;
}

/* --- this node's readers --- */

/* Lock held. What is told of them just now is waited for. *r: NULL if there are none. 0 or DSM_ERR_LOST. */
static int settled(struct dsm *d, const struct dsm_sync_rwlock *l, struct read_lock **r)
{
	while ((*r = read_locks_find(&d->view.read_locks, l)) && (*r)->busy && !d->members.lost)
		pthread_cond_wait(&d->view.changed, &d->lock);
	return d->members.lost;
}

/* *first: the lock has to hear of it, and settle() follows. */
static int join(struct dsm *d, const struct dsm_sync_rwlock *l, int *first)
{
	struct read_lock *r;
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	rc = settled(d, l, &r);
	*first = !r;
	if (rc == 0 && !r && !(r = read_locks_add(&d->view.read_locks, l)))
		rc = DSM_ERR_NOMEM;
	if (rc == 0) {
		r->count++;
		r->busy = *first != 0;
	}
	node_unlock(d, &mask);
	return rc;
}

/* Lock held, or it is taken: the lock has heard. */
static void settle(struct dsm *d, const struct dsm_sync_rwlock *l, int stays)
{
	struct read_lock *r;
	sigset_t mask;

	node_lock(d, &mask);
	r = read_locks_find(&d->view.read_locks, l);
	r->busy = 0;
	if (!stays)
		read_locks_remove(&d->view.read_locks, r);
	pthread_cond_broadcast(&d->view.changed);
	node_unlock(d, &mask);
}

/* DSM_ERR_PERM: there are none. *last: settle() follows. */
static int part(struct dsm *d, const struct dsm_sync_rwlock *l, int *last)
{
	struct read_lock *r;
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	rc = settled(d, l, &r);
	if (rc == 0 && !r)
		rc = DSM_ERR_PERM;
	*last = rc == 0 && r->count == 1;
	if (*last)
		r->busy = 1;
	else if (rc == 0)
		r->count--;
	node_unlock(d, &mask);
	return rc;
}

/* --- readers --- */

/* A thread of this node reads no more. DSM_ERR_PERM: none does. */
static int read_out(struct dsm *d, struct dsm_sync_rwlock *l)
{
	int last, rc = part(d, l, &last);

	if (rc || !last)
		return rc ? rc : node_secure(d); /* as unlocking does in any case */
	rc = set_bit(d, l, 0);
	if (rc == 0)
		rc = tell_writer(d, l);
	settle(d, l, 0);
	return rc;
}

/* With the turn, or without it: DSM_ERR_BUSY when a writer has come. *is: the word then, which who has
 * come before may have changed since it was looked at first. */
static int read_in(struct dsm *d, struct dsm_sync_rwlock *l, int has_turn, uint32_t *is)
{
	int first, rc = join(d, l, &first);

	if (rc)
		return rc;
	if (first)
		rc = set_bit(d, l, 1);
	if (rc == 0)
		rc = load(d, l, is);
	if (!first) {
		if (rc)
			read_out(d, l);
		return rc;
	}
	if (rc == 0 && !has_turn && *is & RW_WRITER) {
		rc = set_bit(d, l, 0);
		rc = rc ? rc : tell_writer(d, l);
		rc = rc ? rc : DSM_ERR_BUSY;
	}
	settle(d, l, rc == 0);
	return rc;
}

/* No writer lives then, nor does one come. */
static int read_with_turn(struct dsm *d, struct dsm_sync_rwlock *l, int turn)
{
	uint32_t is;
	int rc = load(d, l, &is), given;

	if (rc == 0 && is & RW_WRITER)
		rc = set_word(d, l, RW_WRITER, orphan_of(turn, is), &is);
	if (rc == 0)
		rc = read_in(d, l, 1, &is);
	given = turn_give(d, &l->turn);
	return rc ? rc : given ? given : told(is);
}

static int read_now(struct dsm *d, struct dsm_sync_rwlock *l)
{
	uint32_t is;
	int rc = load(d, l, &is);

	if (rc == 0)
		rc = is & RW_WRITER ? DSM_ERR_BUSY : read_in(d, l, 0, &is);
	return rc ? rc : told(is);
}

int robust_rw_read(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	int rc = read_now(d, l);

	if (rc != DSM_ERR_BUSY)
		return rc;
	rc = turn_take(d, &l->turn, until_ns);
	return rc && rc != DSM_ERR_OWNER_DEAD ? rc : read_with_turn(d, l, rc);
}

int robust_rw_try_read(struct dsm *d, struct dsm_sync_rwlock *l)
{
	int rc = read_now(d, l);

	if (rc != DSM_ERR_BUSY)
		return rc;
	rc = turn_try(d, &l->turn); /* the writer may be dead */
	return rc && rc != DSM_ERR_OWNER_DEAD ? rc : read_with_turn(d, l, rc);
}

/* --- writers --- */

/* Those of a node that lives. */
static int readers_live(struct dsm *d, struct dsm_sync_rwlock *l, uint32_t *view, int *rc)
{
	struct dsm_view now;
	uint64_t map;

	*rc = dsm_view(d, &now);
	if (*rc == 0)
		*rc = word_load64(d, NEVER_NEAR, &l->turn.owner, &map);
	*view = now.number;
	return *rc == 0 && map & now.members;
}

/* With the turn, until those who read have left; until_ns 0: they may not be there. */
static int drain(struct dsm *d, struct dsm_sync_rwlock *l, int turn, uint64_t until_ns)
{
	uint32_t is, view, end;
	int rc = load(d, l, &is);

	if (rc == 0)
		rc = set_word(d, l, 0, RW_WRITER | orphan_of(turn, is), &is);
	while (rc == 0 && readers_live(d, l, &view, &rc)) {
		rc = until_ns ? word_wait_in(d, view, &l->word, 0, is, until_ns) : DSM_ERR_BUSY;
		if (rc == DSM_ERR_CHANGED || rc == DSM_ERR_VIEW)
			rc = 0;
		if (rc == 0)
			rc = load(d, l, &is);
	}
	if (rc == 0)
		return told(is);
	if (rc != DSM_ERR_LOST && rc != DSM_ERR_LOST_DATA)
		set_word(d, l, RW_WRITER, 0, &end);
	return rc;
}

static int write_with_turn(struct dsm *d, struct dsm_sync_rwlock *l, int turn, uint64_t until_ns)
{
	int rc = turn && turn != DSM_ERR_OWNER_DEAD ? turn : drain(d, l, turn, until_ns), given;

	if (rc == 0 || rc == DSM_ERR_OWNER_DEAD || rc == turn)
		return rc;
	given = turn_give(d, &l->turn);
	if (given == DSM_ERR_LOST_DATA)
		turn_lose(d, &l->turn);
	return rc;
}

int robust_rw_write(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	return write_with_turn(d, l, turn_take(d, &l->turn, until_ns), until_ns);
}

int robust_rw_try_write(struct dsm *d, struct dsm_sync_rwlock *l)
{
	return write_with_turn(d, l, turn_try(d, &l->turn), 0);
}

/* --- both --- */

static int give_written(struct dsm *d, struct dsm_sync_rwlock *l)
{
	uint32_t is;
	int rc = load(d, l, &is), given;

	if (rc == 0 && !(is & RW_WRITER))
		return DSM_ERR_PERM;
	if (rc == 0)
		rc = robust_is_ours(d, &l->turn.word);
	if (rc == 0)
		rc = set_word(d, l, RW_WRITER | RW_ORPHAN, 0, &is);
	if (rc == DSM_ERR_PERM)
		return rc;
	given = rc ? rc : turn_give(d, &l->turn);
	if (given == DSM_ERR_LOST_DATA)
		turn_lose(d, &l->turn);
	return given;
}

int robust_rw_unlock(struct dsm *d, struct dsm_sync_rwlock *l)
{
	int rc = read_out(d, l);

	return rc == DSM_ERR_PERM ? give_written(d, l) : rc;
}
