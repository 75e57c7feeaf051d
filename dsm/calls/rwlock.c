/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader-writer locks of dsm_sync.h. A writer has the turn, a mutex, from before he waits for the
 * readers to leave until he is through. A reader who finds a writer comes in with the turn, which
 * he gives on at once: so readers and writers go in the order of arrival. Where nodes may die: robust_rw.c.
 */
#include "dsm/calls/objects.h"
#include "dsm/calls/robust.h"
#include "dsm/calls/states.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

static int check(const struct dsm *d, const struct dsm_sync_rwlock *l)
{
	return word_check(d, l, sizeof *l, sizeof l->turn.owner);
}

static int add(struct dsm *d, struct dsm_sync_rwlock *l, uint32_t value, uint32_t *was)
{
	return word_add(d, word_is_here(d, &l->word), &l->word, value, was);
}

/* --- readers --- */

/* One more, unless there is a writer. */
static int read_now(struct dsm *d, struct dsm_sync_rwlock *l)
{
	int near = word_is_here(d, &l->word) || !word_is_fought_for(d, &l->word);
	uint32_t was, is;
	int rc = word_load(d, near, &l->word, &is);

	while (rc == 0 && rw_lets_read(is)) {
		was = is;
		rc = word_compare_swap(d, near, &l->word, was, was + 1, &is);
		if (rc == 0 && is == was) {
			word_not_waited(d, &l->word);
			return 0;
		}
	}
	return rc ? rc : DSM_ERR_BUSY;
}

static int read_until(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	uint32_t was;
	int rc = check(d, l), turn;

	if (rc == 0 && d->view.on)
		return robust_rw_read(d, l, until_ns);
	if (rc == 0)
		rc = read_now(d, l);
	if (rc != DSM_ERR_BUSY)
		return rc;
	word_waited(d, &l->word);
	rc = turn_take(d, &l->turn, until_ns);
	if (rc)
		return rc;
	rc = add(d, l, 1, &was); /* no writer is there without the turn */
	turn = turn_give(d, &l->turn);
	return rc ? rc : turn;
}

/* --- writers --- */

/* The caller has the turn, and is alone with the readers who are there: until they have left. */
static int drain(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	uint32_t is, was;
	int rc = add(d, l, RW_WRITER, &is);

	is += RW_WRITER;
	while (rc == 0 && !rw_lets_write(is)) {
		rc = word_wait(d, &l->word, 0, is, until_ns);
		if (rc == DSM_ERR_CHANGED)
			rc = 0;
		if (rc == 0)
			rc = word_load(d, word_is_here(d, &l->word), &l->word, &is);
	}
	if (rc && rc != DSM_ERR_LOST)
		add(d, l, RW_WRITER, &was); /* takes it away again */
	return rc;
}

static int write_with_turn(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	int rc = drain(d, l, until_ns);

	if (rc)
		turn_give(d, &l->turn);
	return rc;
}

static int write_until(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	int rc = check(d, l);

	if (rc == 0 && d->view.on)
		return robust_rw_write(d, l, until_ns);
	if (rc == 0)
		rc = turn_take(d, &l->turn, until_ns);
	return rc ? rc : write_with_turn(d, l, until_ns);
}

static int write_now(struct dsm *d, struct dsm_sync_rwlock *l)
{
	uint32_t was;
	int rc = check(d, l);

	if (rc == 0 && d->view.on)
		return robust_rw_try_write(d, l);
	if (rc == 0)
		rc = turn_try(d, &l->turn);
	if (rc)
		return rc;
	rc = word_compare_swap(d, word_is_here(d, &l->word), &l->word, 0, RW_WRITER, &was);
	if (rc == 0 && was == 0)
		return 0;
	turn_give(d, &l->turn);
	return rc ? rc : DSM_ERR_BUSY;
}

/* --- both --- */

static int unlock(struct dsm *d, struct dsm_sync_rwlock *l)
{
	uint32_t was, woken;
	int rc = check(d, l), turn;

	if (rc == 0 && d->view.on)
		return robust_rw_unlock(d, l);
	if (rc == 0)
		rc = word_load(d, word_is_readable(d, &l->word), &l->word, &was);
	if (rc || was == 0)
		return rc ? rc : DSM_ERR_PERM;
	if (rw_lets_write(was)) {
		rc = add(d, l, RW_WRITER, &was);
		turn = turn_give(d, &l->turn);
		return rc ? rc : turn;
	}
	rc = add(d, l, UINT32_MAX, &was);
	if (rc == 0 && rw_owes(was))
		rc = word_wake(d, &l->word, 0, 1, &woken);
	return rc;
}

int dsm_sync_rwlock_rdlock(dsm_t *d, struct dsm_sync_rwlock *l)
{
	NODE_ENTRY(dsm_sync_rwlock_rdlock, d, l);

	return read_until(d, l, WAITS_FOR_EVER);
}

int dsm_sync_rwlock_timedrdlock(dsm_t *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	NODE_ENTRY(dsm_sync_rwlock_timedrdlock, d, l, until_ns);

	return read_until(d, l, until_ns);
}

int dsm_sync_rwlock_tryrdlock(dsm_t *d, struct dsm_sync_rwlock *l)
{
	NODE_ENTRY(dsm_sync_rwlock_tryrdlock, d, l);
	int rc = check(d, l);

	if (rc == 0 && d->view.on)
		return robust_rw_try_read(d, l);
	return rc ? rc : read_now(d, l);
}

int dsm_sync_rwlock_wrlock(dsm_t *d, struct dsm_sync_rwlock *l)
{
	NODE_ENTRY(dsm_sync_rwlock_wrlock, d, l);

	return write_until(d, l, WAITS_FOR_EVER);
}

int dsm_sync_rwlock_timedwrlock(dsm_t *d, struct dsm_sync_rwlock *l, uint64_t until_ns)
{
	NODE_ENTRY(dsm_sync_rwlock_timedwrlock, d, l, until_ns);

	return write_until(d, l, until_ns);
}

int dsm_sync_rwlock_trywrlock(dsm_t *d, struct dsm_sync_rwlock *l)
{
	NODE_ENTRY(dsm_sync_rwlock_trywrlock, d, l);

	return write_now(d, l);
}

int dsm_sync_rwlock_unlock(dsm_t *d, struct dsm_sync_rwlock *l)
{
	NODE_ENTRY(dsm_sync_rwlock_unlock, d, l);

	return unlock(d, l);
}
