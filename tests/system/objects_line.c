/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads line up for a mutex, one after the other: node 0's get it from each other, 16 times and
 * without a message; then those of other nodes, in the order in which they came; then the rest of
 * node 0. And what nobody else wants costs no message.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/objects.h"

#define PASSES 16 /* COHORT_PASSES */
#define REST_MS 300
#define FEW 6 /* messages, for something else */

static uint64_t messages(void)
{
	struct dsm_stats stats;

	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	return stats.messages_sent;
}

struct waiting {
	pthread_t thread;
	int id;
};

static void *stand(void *arg)
{
	struct waiting *w = arg;
	uint32_t at;

	__atomic_store_n(&w->id, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	OK(dsm_sync_mutex_lock(node.dsm, &shared->line));
	at = shared->n_served++;
	shared->served[at] = node.rank;
	shared->sent[at] = messages();
	OK(dsm_sync_mutex_unlock(node.dsm, &shared->line));
	return NULL;
}

/* Until it is in line, among the nodes or behind others of this one. */
static void line_up(struct waiting *w)
{
	w->id = 0;
	CHECK(!pthread_create(&w->thread, NULL, stand, w));
	while (!__atomic_load_n(&w->id, __ATOMIC_SEQ_CST) ||
	       !(node_waits("dsm_futex_wait", w->id) || node_waits("dsm_sync_mutex_lock", w->id)))
		;
	/* This comes to the page's home after what that one has asked. */
	EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &shared->beside, 0, 0));
}

static void rest(void)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &shared->beside, 0, REST_MS));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	CHECK((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 <
	      REST_MS / 2);
}

static void look(void)
{
	int others = node.size - 1;

	CHECK(shared->n_served == (uint32_t)(LINED + others));
	for (int i = 0; i < LINED + others; i++) {
		int want = i > PASSES && i <= PASSES + others ? i - PASSES : 0;
		if (shared->served[i] != want)
			node_fail("number %d was of node %d, not %d", i, shared->served[i], want);
	}
	/* Node 0's first may have come before the page. */
	if (shared->sent[PASSES] - shared->sent[1] > FEW)
		node_fail("%llu messages from neighbour to neighbour",
		          (unsigned long long)(shared->sent[PASSES] - shared->sent[1]));
}

void line(void)
{
	static struct waiting mine[LINED];
	int n = node.rank ? 1 : LINED;
	uint64_t before;

	if (node.rank == 0) {
		OK(dsm_sync_mutex_lock(node.dsm, &shared->line));
		OK(dsm_sync_mutex_unlock(node.dsm, &shared->line));
		before = messages();
		for (unsigned i = 0; i < 1000; i++) {
			OK(dsm_sync_mutex_lock(node.dsm, &shared->line));
			OK(dsm_sync_mutex_unlock(node.dsm, &shared->line));
		}
		CHECK(messages() - before <= FEW);
		OK(dsm_sync_mutex_lock(node.dsm, &shared->line));
	}
	node_barrier();
	for (int rank = 0; rank < node.size; rank++) {
		for (int i = 0; rank == node.rank && i < n; i++)
			line_up(&mine[i]);
		node_barrier();
	}
	rest();
	node_barrier();
	if (node.rank == 0)
		OK(dsm_sync_mutex_unlock(node.dsm, &shared->line));
	for (int i = 0; i < n; i++)
		CHECK(!pthread_join(mine[i].thread, NULL));
	node_barrier();
	look();
	node_barrier();
}
