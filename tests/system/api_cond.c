/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_cond_*: a bounded queue, one signal for one waiter, and errors. */
#include "tests/system/api.h"

#include <stdatomic.h>
#include <string.h>

enum { PLACES = 4, ITEMS = 60 };

static struct shared {
	dsm_mutex mutex;
	dsm_cond not_empty, not_full, gate;
	uint64_t queue[PLACES], first, count;
	uint64_t consumed, consumed_sum, producers;
	uint64_t waiting, passed, open;
} * shared;

static void produce(unsigned n)
{
	for (uint64_t i = 0; i < ITEMS; i++) {
		OK(dsm_mutex_lock(node.dsm, shared->mutex));
		while (shared->count == PLACES)
			OK(dsm_cond_wait(node.dsm, shared->not_full, shared->mutex));
		shared->queue[(shared->first + shared->count++) % PLACES] = n * ITEMS + i + 1;
		OK(dsm_cond_signal(node.dsm, shared->not_empty));
		OK(dsm_mutex_unlock(node.dsm, shared->mutex));
	}
	OK(dsm_mutex_lock(node.dsm, shared->mutex));
	if (--shared->producers == 0)
		OK(dsm_cond_broadcast(node.dsm, shared->not_empty));
	OK(dsm_mutex_unlock(node.dsm, shared->mutex));
}

static void consume(unsigned n)
{
	OK(dsm_mutex_lock(node.dsm, shared->mutex));
	for (;;) {
		while (!shared->count && shared->producers)
			OK(dsm_cond_wait(node.dsm, shared->not_empty, shared->mutex));
		if (!shared->count)
			break;
		shared->consumed++;
		shared->consumed_sum += shared->queue[shared->first];
		shared->first = (shared->first + 1) % PLACES;
		shared->count--;
		OK(dsm_cond_signal(node.dsm, shared->not_full));
		OK(dsm_mutex_unlock(node.dsm, shared->mutex));
		OK(dsm_mutex_lock(node.dsm, shared->mutex));
	}
	OK(dsm_mutex_unlock(node.dsm, shared->mutex));
}

static void produce_or_consume(unsigned n)
{
	unsigned threads = (unsigned)node.size * API_THREADS;

	/* Two of three produce; the numbers run through the nodes' threads. */
	if (n % 3 == 2)
		consume(n);
	else
		produce(n);
	CHECK(n < threads);
}

/* Waits once, counting in and out. No spurious wake-ups: no loop. */
static void pass_gate(unsigned n)
{
	OK(dsm_mutex_lock(node.dsm, shared->mutex));
	shared->waiting++;
	OK(dsm_cond_wait(node.dsm, shared->gate, shared->mutex));
	if (shared->passed++ >= shared->open)
		node_fail("thread %u passed though only %llu were let", n,
		          (unsigned long long)shared->open);
	OK(dsm_mutex_unlock(node.dsm, shared->mutex));
}

static uint64_t read_guarded(const uint64_t *at)
{
	uint64_t value;

	OK(dsm_mutex_lock(node.dsm, shared->mutex));
	value = *at;
	OK(dsm_mutex_unlock(node.dsm, shared->mutex));
	return value;
}

/* Lets the waiters through: one, then one more, then all. */
static void open_gate(uint64_t total)
{
	while (read_guarded(&shared->waiting) < total)
		;
	for (uint64_t let = 1; let <= 3; let++) {
		OK(dsm_mutex_lock(node.dsm, shared->mutex));
		CHECK(shared->passed == (let == 3 ? 2 : let - 1));
		shared->open = let == 3 ? total : let;
		if (let == 3)
			OK(dsm_cond_broadcast(node.dsm, shared->gate));
		else
			OK(dsm_cond_signal(node.dsm, shared->gate));
		OK(dsm_mutex_unlock(node.dsm, shared->mutex));
		while (read_guarded(&shared->passed) < shared->open)
			;
	}
}

static void gate_thread(unsigned n)
{
	if (n == 0)
		open_gate((uint64_t)node.size * API_THREADS - 1);
	else
		pass_gate(n);
}

static void cond_errors(void)
{
	dsm_cond none = { 0 }, garbage = { UINT64_MAX }, cond;
	dsm_mutex no_mutex = { 0 };

	EXPECT(DSM_ERR_PERM, dsm_cond_wait(node.dsm, shared->gate, shared->mutex));
	EXPECT(DSM_ERR_INVAL, dsm_cond_signal(node.dsm, none));
	EXPECT(DSM_ERR_INVAL, dsm_cond_broadcast(node.dsm, garbage));
	EXPECT(DSM_ERR_INVAL, dsm_cond_create(node.dsm, no_mutex, &cond));
	EXPECT(DSM_ERR_INVAL, dsm_cond_destroy(node.dsm, none));
	OK(dsm_mutex_lock(node.dsm, shared->mutex));
	EXPECT(DSM_ERR_INVAL, dsm_cond_wait(node.dsm, none, shared->mutex));
	OK(dsm_mutex_unlock(node.dsm, shared->mutex));
	/* Signals that nobody waits for are gone. */
	OK(dsm_cond_signal(node.dsm, shared->gate));
	OK(dsm_cond_broadcast(node.dsm, shared->gate));
	node_barrier();
}

void api_cond(void)
{
	uint64_t threads = (uint64_t)node.size * API_THREADS, items;

	shared = node_shared("cond", sizeof *shared, PAGE);
	for (int home = 0; home < node.size; home++) {
		if (node.rank == home) {
			memset(shared, 0, sizeof *shared);
			OK(dsm_mutex_create(node.dsm, &shared->mutex));
			OK(dsm_cond_create(node.dsm, shared->mutex, &shared->gate));
		}
		node_barrier();
		/* A condition can be made by any node. */
		if (node.rank == (home + 1) % node.size) {
			OK(dsm_cond_create(node.dsm, shared->mutex, &shared->not_empty));
			OK(dsm_cond_create(node.dsm, shared->mutex, &shared->not_full));
			shared->producers = threads / 3 * 2;
		}
		node_barrier();
		cond_errors();
		api_threads(produce_or_consume);
		node_barrier();
		/* Threads 0, 1, 3, 4, ... each put n * ITEMS + 1 ... n * ITEMS + ITEMS in. */
		items = threads / 3 * 2 * ITEMS;
		CHECK(shared->consumed == items);
		uint64_t sum = 0;
		for (uint64_t n = 0; n < threads; n++)
			if (n % 3 != 2)
				sum += n * ITEMS * ITEMS + (uint64_t)ITEMS * (ITEMS + 1) / 2;
		CHECK(shared->consumed_sum == sum);
		node_barrier();
		api_threads(gate_thread);
		node_barrier();
		CHECK(shared->passed == threads - 1);
		node_barrier();
		if (node.rank == home) {
			OK(dsm_cond_destroy(node.dsm, shared->gate));
			OK(dsm_cond_destroy(node.dsm, shared->not_full));
			OK(dsm_cond_destroy(node.dsm, shared->not_empty));
			OK(dsm_mutex_destroy(node.dsm, shared->mutex));
		}
		node_barrier();
	}
	node_unshare("cond", shared);
}
