/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls of dsm_sync.h return to a node that is alone with its objects, and a million. */
#include <pthread.h>
#include <string.h>

#include "tests/system/objects.h"

#define MILLION 1000000u
#define SOON_NS (node_now_ns() + 2000000)

/* --- another thread of this node --- */

static int answer;

static void *try_checked(void *arg)
{
	(void)arg;
	answer = dsm_sync_mutex_trylock(node.dsm, &shared->checked);
	EXPECT(DSM_ERR_PERM, dsm_sync_mutex_unlock(node.dsm, &shared->checked));
	return NULL;
}

static void *try_recursive(void *arg)
{
	(void)arg;
	answer = dsm_sync_mutex_timedlock(node.dsm, &shared->recursive, SOON_NS);
	EXPECT(DSM_ERR_PERM, dsm_sync_mutex_unlock(node.dsm, &shared->recursive));
	return NULL;
}

static void *try_writer(void *arg)
{
	(void)arg;
	EXPECT(DSM_ERR_BUSY, dsm_sync_rwlock_tryrdlock(node.dsm, &shared->rw));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_rwlock_timedrdlock(node.dsm, &shared->rw, SOON_NS));
	answer = dsm_sync_rwlock_timedwrlock(node.dsm, &shared->rw, SOON_NS);
	return NULL;
}

static int asked(void *(*fn)(void *))
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, fn, NULL));
	CHECK(!pthread_join(thread, NULL));
	return answer;
}

/* --- codes --- */

static void mutexes(void)
{
	struct dsm_sync_mutex mine = DSM_SYNC_MUTEX_INIT, *m = &shared->mutex;

	EXPECT(DSM_ERR_INVAL, dsm_sync_mutex_lock(node.dsm, &mine));
	EXPECT(DSM_ERR_INVAL, dsm_sync_mutex_lock(node.dsm, NULL));
	EXPECT(DSM_ERR_INVAL,
	       dsm_sync_mutex_trylock(node.dsm, (struct dsm_sync_mutex *)((char *)m + 4)));
	EXPECT(DSM_ERR_PERM, dsm_sync_mutex_unlock(node.dsm, m));
	OK(dsm_sync_mutex_lock(node.dsm, m));
	EXPECT(DSM_ERR_BUSY, dsm_sync_mutex_trylock(node.dsm, m));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_mutex_timedlock(node.dsm, m, 0));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_mutex_timedlock(node.dsm, m, SOON_NS));
	OK(dsm_sync_mutex_unlock(node.dsm, m));
	OK(dsm_sync_mutex_trylock(node.dsm, m));
	OK(dsm_sync_mutex_unlock(node.dsm, m));
	EXPECT(DSM_ERR_PERM, dsm_sync_mutex_unlock(node.dsm, m));

	OK(dsm_sync_mutex_lock(node.dsm, &shared->checked));
	EXPECT(DSM_ERR_BUSY, dsm_sync_mutex_lock(node.dsm, &shared->checked));
	CHECK(asked(try_checked) == DSM_ERR_BUSY);
	OK(dsm_sync_mutex_unlock(node.dsm, &shared->checked));
	EXPECT(DSM_ERR_PERM, dsm_sync_mutex_unlock(node.dsm, &shared->checked));

	for (unsigned i = 0; i <= 65535; i++)
		OK(dsm_sync_mutex_lock(node.dsm, &shared->recursive));
	EXPECT(DSM_ERR_NOMEM, dsm_sync_mutex_trylock(node.dsm, &shared->recursive));
	CHECK(asked(try_recursive) == DSM_ERR_TIMEDOUT);
	for (unsigned i = 0; i <= 65535; i++)
		OK(dsm_sync_mutex_unlock(node.dsm, &shared->recursive));
	EXPECT(DSM_ERR_PERM, dsm_sync_mutex_unlock(node.dsm, &shared->recursive));
}

static void others(void)
{
	struct dsm_sync_cond *c = &shared->ring.has_room;
	struct dsm_sync_barrier none = { 0 };
	uint32_t left = 7;

	OK(dsm_sync_rwlock_wrlock(node.dsm, &shared->rw));
	CHECK(asked(try_writer) == DSM_ERR_TIMEDOUT);
	OK(dsm_sync_rwlock_unlock(node.dsm, &shared->rw));
	OK(dsm_sync_rwlock_rdlock(node.dsm, &shared->rw));
	OK(dsm_sync_rwlock_tryrdlock(node.dsm, &shared->rw));
	EXPECT(DSM_ERR_BUSY, dsm_sync_rwlock_trywrlock(node.dsm, &shared->rw));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_rwlock_timedwrlock(node.dsm, &shared->rw, SOON_NS));
	OK(dsm_sync_rwlock_unlock(node.dsm, &shared->rw));
	OK(dsm_sync_rwlock_unlock(node.dsm, &shared->rw));
	OK(dsm_sync_rwlock_trywrlock(node.dsm, &shared->rw));
	OK(dsm_sync_rwlock_unlock(node.dsm, &shared->rw));

	EXPECT(DSM_ERR_BUSY, dsm_sync_sem_trywait(node.dsm, &shared->none));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_sem_timedwait(node.dsm, &shared->none, SOON_NS));
	OK(dsm_sync_sem_post(node.dsm, &shared->none));
	OK(dsm_sync_sem_value(node.dsm, &shared->none, &left));
	CHECK(left == 1);
	OK(dsm_sync_sem_wait(node.dsm, &shared->none));
	EXPECT(DSM_ERR_BUSY, dsm_sync_sem_trywait(node.dsm, &shared->none));

	EXPECT(DSM_ERR_PERM, dsm_sync_cond_wait(node.dsm, c, &shared->ring.mutex));
	OK(dsm_sync_mutex_lock(node.dsm, &shared->ring.mutex));
	EXPECT(DSM_ERR_TIMEDOUT,
	       dsm_sync_cond_timedwait(node.dsm, c, &shared->ring.mutex, SOON_NS));
	EXPECT(DSM_ERR_BUSY, dsm_sync_mutex_trylock(node.dsm, &shared->ring.mutex));
	OK(dsm_sync_mutex_unlock(node.dsm, &shared->ring.mutex));
	OK(dsm_sync_cond_signal(node.dsm, c));
	CHECK((uint32_t)c->word == 0);

	EXPECT(DSM_ERR_INVAL, dsm_sync_barrier_wait(node.dsm, &none));
	EXPECT(DSM_ERR_INVAL, dsm_sync_barrier_wait(node.dsm, &shared->barrier));
}

void codes(void)
{
	mutexes();
	others();
}

/* --- a million --- */

void many(void)
{
	struct cell {
		struct dsm_sync_mutex mutex;
		uint64_t count;
	} *cell = node_shared("many", MILLION * sizeof *cell, PAGE);
	uint64_t total = 0;
	unsigned size = (unsigned)node.size, rank = (unsigned)node.rank;

	for (unsigned i = MILLION / size * rank; i < MILLION / size * (rank + 1); i++) {
		OK(dsm_sync_mutex_lock(node.dsm, &cell[i].mutex));
		cell[i].count++;
		OK(dsm_sync_mutex_unlock(node.dsm, &cell[i].mutex));
	}
	node_barrier();
	for (unsigned i = 0; i < MILLION; i += 997)
		total += cell[i].count;
	CHECK(total >= MILLION / size * size / 997);
	node_unshare("many", cell);
}
