/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_alloc, dsm_free, dsm_publish, dsm_lookup. */
#include "tests/system/api.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEEP 24

/* Takes and gives blocks of all sizes; whoever has one fills it and finds it unchanged. */
static void churn(unsigned n)
{
	uint64_t random = 77 + n, stamp = (uint64_t)(n + 1) << 32, *kept[KEEP] = { 0 };
	size_t words[KEEP] = { 0 };

	for (unsigned round = 0; round < 200; round++) {
		unsigned i = (unsigned)(node_random(&random) % KEEP);

		if (kept[i]) {
			for (size_t w = 0; w < words[i]; w++)
				if (kept[i][w] != stamp + i)
					node_fail("a block of thread %u was changed at %p", n,
					          (void *)&kept[i][w]);
			OK(dsm_free(node.dsm, kept[i]));
			kept[i] = NULL;
			continue;
		}
		words[i] = 1 + node_random(&random) % (round % 8 ? 64 : 4000);
		OK(dsm_alloc(node.dsm, words[i] * 8, 0, 0, (void **)&kept[i]));
		for (size_t w = 0; w < words[i]; w++) {
			if (kept[i][w])
				node_fail("fresh memory at %p is not zero", (void *)&kept[i][w]);
			kept[i][w] = stamp + i;
		}
	}
	for (unsigned i = 0; i < KEEP; i++)
		OK(dsm_free(node.dsm, kept[i]));
}

static void bad_arguments(void)
{
	char *block = NULL, *other = NULL;
	long on_stack = 0;

	EXPECT(DSM_ERR_INVAL, dsm_alloc(node.dsm, 0, 0, 0, (void **)&block));
	EXPECT(DSM_ERR_INVAL, dsm_alloc(node.dsm, 8, 3, 0, (void **)&block));
	EXPECT(DSM_ERR_INVAL, dsm_alloc(node.dsm, 8, 0, 1u << 31, (void **)&block));
	EXPECT(DSM_ERR_INVAL, dsm_alloc(node.dsm, 8, 0, DSM_KEEP2 | DSM_HUGE, (void **)&block));
	EXPECT(DSM_ERR_INVAL, dsm_alloc(node.dsm, 8, (size_t)1 << 62, 0, (void **)&block));
	EXPECT(DSM_ERR_NOMEM, dsm_alloc(node.dsm, (size_t)1 << 60, 0, 0, (void **)&block));
	EXPECT(DSM_ERR_NOMEM, dsm_alloc(node.dsm, SIZE_MAX, 0, 0, (void **)&block));
	CHECK(!block);

	OK(dsm_alloc(node.dsm, 3 * PAGE, 0, 0, (void **)&block));
	CHECK((uintptr_t)block % PAGE == 0);
	EXPECT(DSM_ERR_NOT_OURS, dsm_free(node.dsm, &on_stack));
	EXPECT(DSM_ERR_NOT_OURS, dsm_free(node.dsm, block + 16));
	EXPECT(DSM_ERR_NOT_OURS, dsm_free(node.dsm, block + PAGE));
	EXPECT(DSM_ERR_NOT_OURS, dsm_free(node.dsm, block + 1));
	memset(block, 1, 3 * PAGE);
	OK(dsm_free(node.dsm, block));
	EXPECT(DSM_ERR_NOT_OURS, dsm_free(node.dsm, block));
	OK(dsm_free(node.dsm, NULL));

	for (size_t align = 16; align <= (1u << 21); align *= 2) {
		OK(dsm_alloc(node.dsm, 24, align, 0, (void **)&other));
		CHECK((uintptr_t)other % align == 0);
		OK(dsm_free(node.dsm, other));
	}
}

/* A block that one node fills and another frees is zero for who gets it next. */
static void pass_on(void)
{
	void **mail = node_shared("mail", sizeof *mail * 64, 0);
	int next = (node.rank + 1) % node.size;
	uint8_t *mine, *again;

	for (int round = 0; round < 10; round++) {
		OK(dsm_alloc(node.dsm, 2 * PAGE, PAGE, 0, (void **)&mine));
		memset(mine, 0xee, 2 * PAGE);
		mail[node.rank] = mine;
		node_barrier();
		CHECK(((uint8_t *)mail[next])[PAGE] == 0xee);
		node_barrier();
		OK(dsm_free(node.dsm, mail[next]));
		node_barrier();
		OK(dsm_alloc(node.dsm, 2 * PAGE, PAGE, 0, (void **)&again));
		for (unsigned i = 0; i < 2 * PAGE; i++)
			CHECK(again[i] == 0);
		OK(dsm_free(node.dsm, again));
		node_barrier();
	}
	node_unshare("mail", mail);
}

void api_memory(void)
{
	api_threads(churn);
	node_barrier();
	/* One after the other: a block that was freed must not have gone to another node
	 * when it is freed again. */
	for (int rank = 0; rank < node.size; rank++) {
		if (rank == node.rank)
			bad_arguments();
		node_barrier();
	}
	pass_on();
}

/* ------------------------------------------------------------------ names -- */

static void *publish_late(void *arg)
{
	dsm_mutex *mutex = arg;

	/* The lookup is under way, or comes later: both have to find it. */
	OK(dsm_mutex_lock(node.dsm, *mutex));
	OK(dsm_publish(node.dsm, "late", arg));
	OK(dsm_mutex_unlock(node.dsm, *mutex));
	return NULL;
}

static void name_waits(dsm_mutex *mutex)
{
	void *found = NULL;
	pthread_t thread;

	if (node.rank == 0)
		CHECK(!pthread_create(&thread, NULL, publish_late, mutex));
	OK(dsm_lookup(node.dsm, "late", 20000, &found));
	CHECK(found == mutex);
	node_barrier();
	if (node.rank == 0) {
		pthread_join(thread, NULL);
		OK(dsm_publish(node.dsm, "late", NULL));
	}
	node_barrier();
	EXPECT(DSM_ERR_NOENT, dsm_lookup(node.dsm, "late", 0, &found));
}

/* A timeout is over when it is over, however often signals interrupt the wait. */
enum { SIGNALS = 3000, SIGNAL_NS = 20000000 };

static timer_t signals;
static volatile sig_atomic_t came;

static void on_signal(int sig)
{
	const struct itimerspec off = { 0 };

	if (++came == SIGNALS) /* for ever, nearly */
		timer_settime(signals, 0, &off, NULL);
}

static void name_times_out_among_signals(void)
{
	struct itimerspec often = { { 0, SIGNAL_NS }, { 0, SIGNAL_NS } };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigevent to_us = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	void *found;

	CHECK(!sigaction(SIGUSR1, &action, NULL));
	CHECK(!timer_create(CLOCK_MONOTONIC, &to_us, &signals));
	CHECK(!timer_settime(signals, 0, &often, NULL));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_lookup(node.dsm, "nobody's", 500, &found));
	CHECK(came > 0 && came < SIGNALS);
	CHECK(!timer_delete(signals));
}

void api_names(void)
{
	dsm_mutex *mutex = node_shared("names", PAGE, 0);
	char name[80], longest[64], mine[32];
	void *found = mutex;
	uint64_t begin;
	int on_stack;

	if (node.rank == 0)
		OK(dsm_mutex_create(node.dsm, mutex));
	node_barrier();
	memset(longest, 'n', 63);
	longest[63] = '\0';
	snprintf(mine, sizeof mine, "of %d", node.rank);
	OK(dsm_publish(node.dsm, mine, (char *)mutex + node.rank));
	EXPECT(DSM_ERR_EXIST, dsm_publish(node.dsm, mine, mutex));
	for (int rank = 0; rank < node.size; rank++) {
		snprintf(name, sizeof name, "of %d", rank);
		OK(dsm_lookup(node.dsm, name, 20000, &found));
		CHECK(found == (char *)mutex + rank);
	}
	node_barrier();
	OK(dsm_publish(node.dsm, mine, NULL));
	EXPECT(DSM_ERR_NOENT, dsm_publish(node.dsm, mine, NULL));
	found = mutex;
	EXPECT(DSM_ERR_NOENT, dsm_lookup(node.dsm, mine, 0, &found));
	CHECK(found == mutex);
	begin = node_now_ns();
	EXPECT(DSM_ERR_TIMEDOUT, dsm_lookup(node.dsm, "nobody's", 100, &found));
	CHECK(node_now_ns() - begin >= 95000000);
	name_times_out_among_signals();
	if (node.rank == node.size - 1) {
		OK(dsm_publish(node.dsm, longest, mutex));
		OK(dsm_lookup(node.dsm, longest, 0, &found));
		OK(dsm_publish(node.dsm, longest, NULL));
	}
	memset(name, 'n', 64);
	name[64] = '\0';
	EXPECT(DSM_ERR_INVAL, dsm_publish(node.dsm, name, mutex));
	EXPECT(DSM_ERR_INVAL, dsm_lookup(node.dsm, name, 0, &found));
	EXPECT(DSM_ERR_INVAL, dsm_publish(node.dsm, "", mutex));
	EXPECT(DSM_ERR_INVAL, dsm_publish(node.dsm, "stack", &on_stack));
	EXPECT(DSM_ERR_INVAL, dsm_lookup(node.dsm, "x", -2, &found));
	name_waits(mutex);
	if (node.rank == 0)
		OK(dsm_mutex_destroy(node.dsm, *mutex));
	node_unshare("names", mutex);
}
