/* SPDX-License-Identifier: BSD-2-Clause */
/* Many threads of one node wait at once, each of which keeps something while it does: whoever
 * is to end their waits gets through all the same. */
#include "tests/system/api.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 700, STACK_BYTES = 256 << 10 };

static struct shared {
	dsm_mutex outer, inner;
	dsm_cond cond;
	uint64_t count, waiting, open;
} * shared;

static pthread_t thread[MANY];
static _Atomic int tid[MANY];

/* Starts them all with their numbers. */
static void start(void *(*body)(void *))
{
	pthread_attr_t attr;

	CHECK(!pthread_attr_init(&attr));
	CHECK(!pthread_attr_setstacksize(&attr, STACK_BYTES));
	for (uintptr_t i = 0; i < MANY; i++) {
		atomic_store(&tid[i], 0);
		CHECK(!pthread_create(&thread[i], &attr, body, (void *)i));
	}
	CHECK(!pthread_attr_destroy(&attr));
}

static void join(void)
{
	for (unsigned i = 0; i < MANY; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

/* What a thread says just before the call in which it is to wait. */
static void about_to_wait(void *number)
{
	atomic_store(&tid[(uintptr_t)number], gettid());
}

static int sleeps(int id)
{
	char path[64], text[256] = "", *state;
	FILE *stat;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", id);
	stat = fopen(path, "r");
	CHECK(stat && fgets(text, sizeof text, stat));
	fclose(stat);
	state = strrchr(text, ')');
	return state && (state[2] == 'S' || state[2] == 'D');
}

/* Until all of them sleep, seen several times, as one may for a moment on its way there. */
static void until_all_wait(void)
{
	for (unsigned seen = 0; seen < 3; seen++)
		for (unsigned i = 0; i < MANY; i++)
			while (!atomic_load(&tid[i]) || !sleeps(atomic_load(&tid[i]))) {
				seen = 0;
				sched_yield();
			}
}

/* ---------------------------------------------------------------- in line -- */

static void *take_both(void *number)
{
	about_to_wait(number);
	OK(dsm_mutex_lock(node.dsm, shared->outer));
	OK(dsm_mutex_lock(node.dsm, shared->inner)); /* while all others wait for the outer */
	shared->count++;
	OK(dsm_mutex_unlock(node.dsm, shared->inner));
	OK(dsm_mutex_unlock(node.dsm, shared->outer));
	return NULL;
}

static void many_lock(void)
{
	OK(dsm_mutex_lock(node.dsm, shared->outer));
	start(take_both);
	until_all_wait();
	OK(dsm_mutex_unlock(node.dsm, shared->outer));
	join();
	CHECK(shared->count == MANY);
}

static void *wait_for_it(void *number)
{
	OK(dsm_mutex_lock(node.dsm, shared->outer));
	shared->waiting++;
	about_to_wait(number);
	while (!shared->open)
		OK(dsm_cond_wait(node.dsm, shared->cond, shared->outer));
	shared->waiting--;
	OK(dsm_mutex_unlock(node.dsm, shared->outer));
	return NULL;
}

static void many_wait(void)
{
	start(wait_for_it);
	until_all_wait();
	OK(dsm_mutex_lock(node.dsm, shared->outer));
	CHECK(shared->waiting == MANY);
	shared->open = 1;
	OK(dsm_cond_broadcast(node.dsm, shared->cond));
	OK(dsm_mutex_unlock(node.dsm, shared->outer));
	join();
	CHECK(shared->waiting == 0);
}

static void *look_up(void *number)
{
	void *found = NULL;

	about_to_wait(number);
	OK(dsm_lookup(node.dsm, "many", -1, &found));
	CHECK(found == shared);
	return NULL;
}

static void many_look_up(void)
{
	start(look_up);
	until_all_wait();
	OK(dsm_publish(node.dsm, "many", shared)); /* by the node whose threads all wait */
	join();
	OK(dsm_publish(node.dsm, "many", NULL));
}

/* ------------------------------------------------------------------ faults -- */

static uint64_t (*page)[512]; /* one that is pinned elsewhere, and one that is not */

static void *read_pinned(void *number)
{
	about_to_wait(number);
	CHECK(*(volatile uint64_t *)&page[0][0] == 1);
	return NULL;
}

/* The page comes once this node has said so by the other one. */
static void many_fault(int reader, int owner)
{
	if (node.rank == owner) {
		OK(dsm_pin(node.dsm, page[0], PAGE, DSM_PIN_WRITE));
		page[0][0] = 1;
		page[1][0] = 1;
	}
	node_barrier();
	if (node.rank == reader) {
		start(read_pinned);
		until_all_wait();
		__atomic_store_n(&page[1][0], 2, __ATOMIC_SEQ_CST);
	} else if (node.rank == owner) {
		while (__atomic_load_n(&page[1][0], __ATOMIC_SEQ_CST) != 2)
			sched_yield();
		OK(dsm_unpin(node.dsm, page[0], PAGE));
	}
	if (node.rank == reader)
		join();
}

void api_many_waiters(void)
{
	shared = node_shared("many waiters", sizeof *shared, PAGE);
	page = node_shared("many pages", 2 * PAGE, PAGE);
	if (node.rank == 0) {
		OK(dsm_mutex_create(node.dsm, &shared->outer));
		OK(dsm_mutex_create(node.dsm, &shared->inner));
		OK(dsm_cond_create(node.dsm, shared->outer, &shared->cond));
	}
	node_barrier();
	if (node.rank == node.size - 1) {
		many_lock();
		many_wait();
		many_look_up();
	}
	node_barrier();
	if (node.size > 1)
		many_fault(node.size - 1, 0);
	node_barrier();
	if (node.rank == 0) {
		OK(dsm_cond_destroy(node.dsm, shared->cond));
		OK(dsm_mutex_destroy(node.dsm, shared->outer));
		OK(dsm_mutex_destroy(node.dsm, shared->inner));
	}
	node_unshare("many pages", page);
	node_unshare("many waiters", shared);
}
