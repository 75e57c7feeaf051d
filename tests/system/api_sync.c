/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_barrier and dsm_mutex_*. */
#include "tests/system/api.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- barrier -- */

static uint64_t *refused;

/* Called by two threads of a node at once: one is in, the other is refused. */
static void *one_of_two(void *arg)
{
	int *rc = arg;

	*rc = dsm_barrier(node.dsm);
	if (*rc == DSM_ERR_BUSY)
		__atomic_store_n(refused, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void barrier_of_two_threads(uint64_t (*page)[512])
{
	pthread_t thread;
	int rc[2];

	if (node.rank == 0) {
		/* Comes once every other node has refused one of its threads. */
		for (int rank = 1; rank < node.size; rank++)
			while (!__atomic_load_n(&page[rank][1], __ATOMIC_SEQ_CST))
				sched_yield();
		node_barrier();
		return;
	}
	refused = &page[node.rank][1];
	CHECK(!pthread_create(&thread, NULL, one_of_two, &rc[0]));
	one_of_two(&rc[1]);
	CHECK(!pthread_join(thread, NULL));
	if (rc[0] + rc[1] != DSM_ERR_BUSY || rc[0] * rc[1] != 0)
		node_fail("two threads in a barrier got %d and %d", rc[0], rc[1]);
}

void api_barrier(void)
{
	/* A page per node; each finds all others at the same step. */
	uint64_t(*page)[512] = node_shared("barrier", (size_t)node.size * PAGE, PAGE);

	for (uint64_t i = 1; i <= 100; i++) {
		page[node.rank][0] = i;
		node_barrier();
		for (int rank = 0; rank < node.size; rank++)
			CHECK(page[rank][0] == i);
		node_barrier();
	}
	barrier_of_two_threads(page);
	node_unshare("barrier", page);
}

/* ------------------------------------------------------------------ mutex -- */

enum { ROUNDS = 48 };

static struct shared {
	dsm_mutex mutex;
	uint64_t inside, sum;
	uint64_t order[64 * API_THREADS], ordered;
	uint64_t turn;
} * shared;

/* Plain loads and stores, on the mutex's page and on others. */
static uint64_t (*far)[512];

static void count_guarded(unsigned n)
{
	for (int i = 0; i < ROUNDS; i++) {
		OK(dsm_mutex_lock(node.dsm, shared->mutex));
		CHECK(__atomic_exchange_n(&shared->inside, n + 1, __ATOMIC_SEQ_CST) == 0);
		shared->sum++;
		far[0][0]++;
		far[1][511] += n;
		EXPECT(DSM_ERR_BUSY, dsm_mutex_lock(node.dsm, shared->mutex));
		EXPECT(DSM_ERR_BUSY, dsm_mutex_trylock(node.dsm, shared->mutex));
		CHECK(__atomic_exchange_n(&shared->inside, 0, __ATOMIC_SEQ_CST) == n + 1);
		OK(dsm_mutex_unlock(node.dsm, shared->mutex));
		EXPECT(DSM_ERR_PERM, dsm_mutex_unlock(node.dsm, shared->mutex));
	}
}

static void count_tried(unsigned n)
{
	for (int done = 0; done < ROUNDS / 4;) {
		int rc = dsm_mutex_trylock(node.dsm, shared->mutex);

		if (rc == DSM_ERR_BUSY) {
			sched_yield();
			continue;
		}
		OK(rc);
		shared->sum++;
		far[1][511] += n;
		done++;
		OK(dsm_mutex_unlock(node.dsm, shared->mutex));
	}
}

static void mutex_errors(dsm_mutex mutex)
{
	dsm_mutex none = { 0 }, garbage = { UINT64_MAX };

	EXPECT(DSM_ERR_INVAL, dsm_mutex_lock(node.dsm, none));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_lock(node.dsm, garbage));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_trylock(node.dsm, none));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_destroy(node.dsm, none));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_destroy(node.dsm, garbage));
	node_barrier();
	if (node.rank == node.size / 2) {
		OK(dsm_mutex_lock(node.dsm, mutex));
		EXPECT(DSM_ERR_BUSY, dsm_mutex_destroy(node.dsm, mutex));
	}
	node_barrier();
	if (node.rank != node.size / 2) {
		EXPECT(DSM_ERR_BUSY, dsm_mutex_trylock(node.dsm, mutex));
		EXPECT(DSM_ERR_PERM, dsm_mutex_unlock(node.dsm, mutex));
	}
	node_barrier();
	if (node.rank == node.size / 2)
		OK(dsm_mutex_unlock(node.dsm, mutex));
	node_barrier();
}

void api_mutex(void)
{
	uint64_t threads = (uint64_t)node.size * API_THREADS;

	shared = node_shared("mutex", sizeof *shared, PAGE);
	far = node_shared("mutex far", 2 * PAGE, PAGE);
	for (int home = 0; home < node.size; home++) {
		if (node.rank == home) {
			shared->sum = 0;
			memset(far, 0, 2 * PAGE);
			OK(dsm_mutex_create(node.dsm, &shared->mutex));
		}
		node_barrier();
		api_threads(count_guarded);
		node_barrier();
		CHECK(shared->sum == threads * ROUNDS);
		CHECK(far[0][0] == threads * ROUNDS);
		CHECK(far[1][511] == ROUNDS * threads * (threads - 1) / 2);
		node_barrier();
		api_threads(count_tried);
		node_barrier();
		CHECK(shared->sum == threads * (ROUNDS + ROUNDS / 4));
		mutex_errors(shared->mutex);
		/* Any node may destroy it; then it is none. */
		if (node.rank == (home + 1) % node.size)
			OK(dsm_mutex_destroy(node.dsm, shared->mutex));
		node_barrier();
		EXPECT(DSM_ERR_INVAL, dsm_mutex_trylock(node.dsm, shared->mutex));
		node_barrier();
	}
	node_unshare("mutex far", far);
	node_unshare("mutex", shared);
}

/* ------------------------------------------------------------------ order -- */

static _Atomic int waiter_tid;

static void *wait_in_line(void *arg)
{
	uint64_t number = (uintptr_t)arg;

	atomic_store(&waiter_tid, gettid());
	OK(dsm_mutex_lock(node.dsm, shared->mutex));
	shared->order[shared->ordered++] = number;
	OK(dsm_mutex_unlock(node.dsm, shared->mutex));
	return NULL;
}

/* Returns once the thread waits at the mutex's home: a trylock of the same node at the same home,
 * after the request was sent, is answered after it came. */
static void queued(dsm_mutex same_home)
{
	int tid;

	while (!(tid = atomic_load(&waiter_tid)) || !node_waits("dsm_mutex_lock", tid))
		sched_yield();
	EXPECT(DSM_ERR_BUSY, dsm_mutex_trylock(node.dsm, same_home));
	atomic_store(&waiter_tid, 0);
}

/* First come, first served: over nodes and threads, in the order in which they came. */
void api_mutex_order(void)
{
	pthread_t thread[API_THREADS];

	shared = node_shared("order", sizeof *shared, PAGE);
	for (int home = 0; home < node.size; home++) {
		unsigned total = (unsigned)node.size * API_THREADS;

		if (node.rank == home) {
			OK(dsm_mutex_create(node.dsm, &shared->mutex));
			OK(dsm_mutex_lock(node.dsm, shared->mutex));
			shared->ordered = 0;
		}
		node_barrier();
		/* One after the other joins the line; nodes in turn. */
		for (unsigned n = 0; n < total; n++) {
			if (n % (unsigned)node.size == (unsigned)node.rank) {
				CHECK(!pthread_create(&thread[n / (unsigned)node.size], NULL,
				                      wait_in_line, (void *)(uintptr_t)n));
				queued(shared->mutex);
			}
			node_barrier();
		}
		if (node.rank == home) {
			EXPECT(DSM_ERR_BUSY, dsm_mutex_destroy(node.dsm, shared->mutex));
			OK(dsm_mutex_unlock(node.dsm, shared->mutex));
		}
		for (unsigned i = 0; i < API_THREADS; i++)
			CHECK(!pthread_join(thread[i], NULL));
		node_barrier();
		CHECK(shared->ordered == total);
		for (unsigned n = 0; n < total; n++)
			if (shared->order[n] != n)
				node_fail("thread %u of the line was number %llu to get the mutex",
				          n, (unsigned long long)shared->order[n]);
		node_barrier();
		if (node.rank == home)
			OK(dsm_mutex_destroy(node.dsm, shared->mutex));
		node_barrier(); /* the next home writes another one there */
	}
	node_unshare("order", shared);
}

/* ------------------------------------------------------------------ limit -- */

/* As many as promised can be made, one more is refused, and a freed one is found again. */
void api_mutex_limit(void)
{
	static dsm_mutex mutex[4097];
	unsigned n = 0;
	int rc;

	while (n < 4097 && (rc = dsm_mutex_create(node.dsm, &mutex[n])) == 0)
		n++;
	if (n == 4097 || rc != DSM_ERR_NOMEM || n < 4000)
		node_fail("made %u mutexes, then got %d", n, n == 4097 ? 0 : rc);
	OK(dsm_mutex_destroy(node.dsm, mutex[n / 2]));
	OK(dsm_mutex_create(node.dsm, &mutex[n / 2]));
	OK(dsm_mutex_lock(node.dsm, mutex[n / 2]));
	OK(dsm_mutex_unlock(node.dsm, mutex[n / 2]));
	for (unsigned i = 0; i < n; i++)
		OK(dsm_mutex_destroy(node.dsm, mutex[i]));
}
