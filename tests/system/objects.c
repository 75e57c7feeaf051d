/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of dsm_sync.h, on any number of nodes: mutual exclusion, the order of those who wait,
 * codes and times, items through a ring, readers and writers, places, rounds, once, and a million
 * mutexes.
 *
 *	objects [TIMES [ITEMS]]    each thread does things so often; so many items in all
 */
#include "tests/system/objects.h"

#include <pthread.h>
#include <stdlib.h>

#define PLACES 3

struct shared *shared;
uint32_t times = 500;
static uint64_t items = 5000;

struct part {
	void (*fn)(unsigned n);
	unsigned n;
};

static void *part_thread(void *arg)
{
	struct part *p = arg;

	p->fn(p->n);
	return NULL;
}

void in_threads(void (*fn)(unsigned n))
{
	pthread_t thread[THREADS];
	struct part part[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		part[i] = (struct part){ fn, (unsigned)node.rank * THREADS + i };
		CHECK(!pthread_create(&thread[i], NULL, part_thread, &part[i]));
	}
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	node_barrier();
}

static uint32_t all(void)
{
	return (uint32_t)node.size * THREADS;
}

/* --- mutual exclusion --- */

/* Some give up soon and come again, which must not take a turn from anybody. */
static void take(struct dsm_sync_mutex *m, uint32_t i)
{
	int rc;

	if (i % 4 == 1) {
		while ((rc = dsm_sync_mutex_trylock(node.dsm, m)) == DSM_ERR_BUSY)
			;
		OK(rc);
	} else if (i % 4 == 2) {
		do
			rc = dsm_sync_mutex_timedlock(node.dsm, m,
			                              node_now_ns() + i % 7 * UINT64_C(100000));
		while (rc == DSM_ERR_TIMEDOUT);
		OK(rc);
	} else {
		OK(dsm_sync_mutex_lock(node.dsm, m));
	}
}

static void count_up(unsigned n)
{
	(void)n;
	for (uint32_t i = 0; i < times; i++) {
		take(&shared->mutex, i);
		shared->count++;
		shared->far_count++;
		OK(dsm_sync_mutex_unlock(node.dsm, &shared->mutex));
	}
}

static void count_up_plainly(unsigned n)
{
	(void)n;
	for (uint32_t i = 0; i < times; i++) {
		OK(dsm_sync_mutex_lock(node.dsm, &shared->mutex));
		shared->count++;
		OK(dsm_sync_mutex_unlock(node.dsm, &shared->mutex));
	}
}

static void count_up_deeply(unsigned n)
{
	(void)n;
	for (uint32_t i = 0; i < times / 4; i++) {
		struct dsm_sync_mutex *m = i % 2 ? &shared->checked : &shared->recursive;

		OK(dsm_sync_mutex_lock(node.dsm, m));
		EXPECT(i % 2 ? DSM_ERR_BUSY : 0, dsm_sync_mutex_lock(node.dsm, m));
		if (i % 2 == 0) {
			shared->count++;
			OK(dsm_sync_mutex_unlock(node.dsm, m));
		} else {
			shared->far_count++;
		}
		OK(dsm_sync_mutex_unlock(node.dsm, m));
		EXPECT(DSM_ERR_PERM, dsm_sync_mutex_unlock(node.dsm, m));
	}
}

static void exclusion(void)
{
	uint64_t before;

	in_threads(count_up_plainly);
	CHECK(shared->count == (uint64_t)all() * times);
	node_barrier();
	in_threads(count_up);
	CHECK(shared->count == (uint64_t)all() * times * 2);
	CHECK(shared->far_count == (uint64_t)all() * times);
	before = shared->count;
	node_barrier();
	in_threads(count_up_deeply);
	CHECK(shared->count == before + (uint64_t)all() * (times / 4 - times / 4 / 2));
	CHECK(shared->far_count == (uint64_t)all() * (times + times / 4 / 2));
	node_barrier();
}

/* --- readers and writers --- */

static void read_or_write(unsigned n)
{
	struct dsm_sync_rwlock *rw = &shared->rw;

	for (uint32_t i = 0; i < times / 2; i++) {
		int rc;

		if ((i + n) % 4) {
			do
				rc = i % 3 ? dsm_sync_rwlock_rdlock(node.dsm, rw)
				           : dsm_sync_rwlock_timedrdlock(node.dsm, rw,
				                                         node_now_ns() + 100000);
			while (rc == DSM_ERR_TIMEDOUT);
			OK(rc);
			CHECK(shared->first == shared->second);
		} else {
			do
				rc = i % 3 ? dsm_sync_rwlock_wrlock(node.dsm, rw)
				           : dsm_sync_rwlock_timedwrlock(node.dsm, rw,
				                                         node_now_ns() + 100000);
			while (rc == DSM_ERR_TIMEDOUT);
			OK(rc);
			CHECK(shared->first == shared->second);
			shared->first++;
			shared->second++;
		}
		OK(dsm_sync_rwlock_unlock(node.dsm, rw));
	}
}

/* All at the same time. */
static void read_together(unsigned n)
{
	(void)n;
	OK(dsm_sync_rwlock_rdlock(node.dsm, &shared->rw));
	__atomic_fetch_add(&shared->readers, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&shared->readers, __ATOMIC_SEQ_CST) != all())
		;
	OK(dsm_sync_rwlock_unlock(node.dsm, &shared->rw));
}

static void readers(void)
{
	uint64_t writes = 0;

	in_threads(read_together);
	in_threads(read_or_write);
	for (uint32_t n = 0; n < all(); n++)
		for (uint32_t i = 0; i < times / 2; i++)
			writes += (i + n) % 4 == 0;
	CHECK(shared->first == writes && shared->second == writes);
	EXPECT(DSM_ERR_PERM, dsm_sync_rwlock_unlock(node.dsm, &shared->rw));
	node_barrier();
}

/* --- semaphore --- */

static void take_places(unsigned n)
{
	for (uint32_t i = 0; i < times / 2; i++) {
		int rc;

		do
			rc = (i + n) % 3 ? dsm_sync_sem_wait(node.dsm, &shared->sem)
			                 : dsm_sync_sem_timedwait(node.dsm, &shared->sem,
			                                          node_now_ns() + 100000);
		while (rc == DSM_ERR_TIMEDOUT);
		OK(rc);
		CHECK(__atomic_add_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST) <= PLACES);
		__atomic_fetch_sub(&shared->inside, 1, __ATOMIC_SEQ_CST);
		OK(dsm_sync_sem_post(node.dsm, &shared->sem));
	}
}

static void places(void)
{
	uint32_t left;

	if (node.rank == 0)
		shared->sem = (struct dsm_sync_sem)DSM_SYNC_SEM_INIT(PLACES);
	node_barrier();
	in_threads(take_places);
	OK(dsm_sync_sem_value(node.dsm, &shared->sem, &left));
	CHECK(left == PLACES);
	node_barrier();
}

/* --- items through a ring --- */

static void put(struct ring *r)
{
	OK(dsm_sync_mutex_lock(node.dsm, &r->mutex));
	for (;;) {
		while (r->put < items && r->put - r->taken == RING)
			OK(dsm_sync_cond_wait(node.dsm, &r->has_room, &r->mutex));
		if (r->put == items)
			break;
		r->item[r->put % RING] = r->put;
		r->put++;
		OK(dsm_sync_cond_signal(node.dsm, &r->has_items));
	}
	OK(dsm_sync_cond_broadcast(node.dsm, &r->has_room));
	OK(dsm_sync_cond_broadcast(node.dsm, &r->has_items));
	OK(dsm_sync_mutex_unlock(node.dsm, &r->mutex));
}

static void get(struct ring *r)
{
	int rc;

	OK(dsm_sync_mutex_lock(node.dsm, &r->mutex));
	for (uint64_t i = 0;; i++) {
		while (r->taken < items && r->put == r->taken) {
			rc = i % 3 ? dsm_sync_cond_wait(node.dsm, &r->has_items, &r->mutex)
			           : dsm_sync_cond_timedwait(node.dsm, &r->has_items, &r->mutex,
			                                     node_now_ns() + 1000000);
			CHECK(rc == 0 || rc == DSM_ERR_TIMEDOUT);
		}
		if (r->taken == items)
			break;
		CHECK(r->item[r->taken % RING] == r->taken);
		r->sum += r->item[r->taken++ % RING];
		OK(dsm_sync_cond_signal(node.dsm, &r->has_room));
	}
	OK(dsm_sync_mutex_unlock(node.dsm, &r->mutex));
}

static void hand_on(unsigned n)
{
	if (n % 2)
		get(&shared->ring);
	else
		put(&shared->ring);
}

static void ring(void)
{
	in_threads(hand_on);
	CHECK(shared->ring.taken == items && shared->ring.sum == items * (items - 1) / 2);
	node_barrier();
}

/* --- rounds, and once --- */

static void count_call(void *arg)
{
	/* Not for its order, which the call sees to: it is a page's way between nodes that a sanitizer does not see. */
	__atomic_fetch_add((uint32_t *)arg, 1, __ATOMIC_RELAXED);
}

static void meet(unsigned n)
{
	(void)n;
	for (uint32_t i = 0; i < times / 4; i++) {
		int rc;

		__atomic_fetch_add(&shared->came, 1, __ATOMIC_SEQ_CST);
		rc = dsm_sync_barrier_wait(node.dsm, &shared->barrier);
		CHECK(rc == 0 || rc == DSM_SYNC_LAST);
		CHECK(__atomic_load_n(&shared->came, __ATOMIC_SEQ_CST) >= (i + 1) * all());
		if (rc == DSM_SYNC_LAST)
			__atomic_fetch_add(&shared->last, 1, __ATOMIC_SEQ_CST);
		rc = dsm_sync_barrier_wait(node.dsm, &shared->barrier);
		CHECK(rc == 0 || rc == DSM_SYNC_LAST);
		CHECK(__atomic_load_n(&shared->came, __ATOMIC_SEQ_CST) < (i + 1) * all() + all());
	}
	OK(dsm_sync_once_call(node.dsm, &shared->once, count_call, &shared->called));
	CHECK(__atomic_load_n(&shared->called, __ATOMIC_RELAXED) == 1);
}

static void meetings(void)
{
	if (node.rank == 0)
		shared->barrier = (struct dsm_sync_barrier)DSM_SYNC_BARRIER_INIT(all());
	node_barrier();
	in_threads(meet);
	CHECK(shared->last == times / 4);
	CHECK(shared->called == 1);
	node_barrier();
}

int main(int argc, char **argv)
{
	if (argc > 1)
		times = (uint32_t)strtoul(argv[1], NULL, 0);
	if (argc > 2)
		items = strtoul(argv[2], NULL, 0);
	node_join("objects", 120 + times / 10 + (unsigned)(items / 500));
	shared = node_shared("objects", sizeof *shared, PAGE);
	if (node.rank == 0) {
		shared->checked = (struct dsm_sync_mutex)DSM_SYNC_CHECKED_MUTEX_INIT;
		shared->recursive = (struct dsm_sync_mutex)DSM_SYNC_RECURSIVE_MUTEX_INIT;
	}
	node_barrier();
	for (int rank = 0; rank < node.size; rank++) {
		if (rank == node.rank)
			codes();
		node_barrier();
	}
	line();
	exclusion();
	readers();
	places();
	ring();
	meetings();
	many();
	node_unshare("objects", shared);
	node_leave();
	return 0;
}
