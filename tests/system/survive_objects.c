/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that loses nodes among reader-writer locks, barriers of threads and once, and goes on:
 *
 *	survive_objects FILE RANK DEATHS SEED    somebody else kills rank RANK, or it and the next one
 *
 * One thread of each node reads and writes under locks of all homes; FILE, which all map, tells beside the
 * region who is inside: a writer is alone among those who live, and whoever comes to what a dead one has left
 * is told so. Another thread comes to a barrier of one thread a node, and to once: of those who live all
 * leave a barrier alike, and what is to be done once is, by somebody who lives, if nobody has before.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm_survive.h"
#include "dsm/dsm_sync.h"
#include "tests/system/node.h"
#include "tests/system/survivor.h"

#define NODES_MAX 8
#define PAGE ((size_t)4096)
#define FAR ((size_t)256 << 10) /* pages that have one home, and the next ones another */
#define LOCKS 8
#define ROUNDS_MAX 65536
#define ONCES 4096
#define MORE_MS 300

struct tally {
	_Atomic uint32_t writer[LOCKS], reader[LOCKS][NODES_MAX]; /* who is inside: rank plus one; how many */
	_Atomic uint32_t come[NODES_MAX], left[ROUNDS_MAX], broken[ROUNDS_MAX]; /* left, broken: a bit a rank */
	_Atomic uint32_t next[NODES_MAX]; /* round */
	_Atomic uint32_t begun[ONCES], ended[ONCES], stop;
};
struct guarded {
	struct dsm_sync_rwlock lock;
	uint64_t a, b;
};
struct far {
	union {
		struct guarded guarded;
		uint8_t bytes[FAR];
	};
};

static struct tally *tally;
static struct far *far;
static struct dsm_sync_barrier *barrier;
static struct dsm_sync_once *once;
static uint8_t is_lost[LOCKS];
static _Atomic int worker_ends;
static _Atomic unsigned orphans, locked;
static struct dsm_view view(void)
{
	struct dsm_view v;

	OK(dsm_view(node.dsm, &v));
	return v;
}

static int is_dead(int rank)
{
	return !(view().members >> rank & 1);
}

static void nap(uint64_t *random, unsigned most_us)
{
	const struct timespec t = { .tv_nsec = (long)(node_random(random) % most_us) * 1000 };

	nanosleep(&t, NULL);
}

/* --- reader-writer locks --- */

/* 0; or -1: the page is lost. */
static int look(struct guarded *g, int writes, int was_told)
{
	volatile uint64_t *a = &g->a, *b = &g->b;

	if (sigsetjmp(way_out, 1)) {
		has_way_out = 0;
		return -1;
	}
	has_way_out = 1;
	if (*a != *b && !was_told)
		node_fail("%llu and %llu are guarded", (unsigned long long)*a, (unsigned long long)*b);
	if (writes) {
		++*a;
		*b = *a;
	}
	has_way_out = 0;
	return 0;
}

/* Who is inside with this node, which holds it for writing, or for reading. */
static void check_others(int k, int writes, int was_told)
{
	const uint32_t writer = atomic_load(&tally->writer[k]);

	if (writer && !is_dead((int)writer - 1))
		node_fail("lock %d: rank %u writes, too", k, writer - 1);
	if (writer && !was_told)
		node_fail("lock %d: rank %u has died inside, and the next one is not told", k, writer - 1);
	for (int r = 0; r < node.size && writes; r++)
		if (atomic_load(&tally->reader[k][r]) && !is_dead(r))
			node_fail("lock %d: rank %d reads, and %d writes", k, r, node.rank);
	if (was_told && view().number == 1)
		node_fail("lock %d: told of a dead one, and nobody has died", k);
}

static int take(struct dsm_sync_rwlock *lock, int writes, unsigned how)
{
	const uint64_t soon = node_now_ns() + 2000000;

	switch (how) {
	case 0: return writes ? dsm_sync_rwlock_trywrlock(node.dsm, lock)
		              : dsm_sync_rwlock_tryrdlock(node.dsm, lock);
	case 1: return writes ? dsm_sync_rwlock_timedwrlock(node.dsm, lock, soon)
		              : dsm_sync_rwlock_timedrdlock(node.dsm, lock, soon);
	default: return writes ? dsm_sync_rwlock_wrlock(node.dsm, lock)
		               : dsm_sync_rwlock_rdlock(node.dsm, lock);
	}
}

static void lose(int k)
{
	if (view().number == 1)
		node_fail("lock %d is lost, and nobody has died", k);
	is_lost[k] = 1;
}

static void use_lock(int k, uint64_t *random)
{
	struct guarded *g = &far[k].guarded;
	const int writes = node_random(random) % 3 == 0;
	const unsigned how = (unsigned)(node_random(random) % 4);
	int rc, told;

	if (is_lost[k])
		return;
	rc = take(&g->lock, writes, how);
	told = rc == DSM_ERR_OWNER_DEAD;
	if (rc == DSM_ERR_LOST_DATA)
		lose(k);
	if (rc == DSM_ERR_LOST_DATA || (how == 0 && rc == DSM_ERR_BUSY) || (how == 1 && rc == DSM_ERR_TIMEDOUT))
		return;
	if (!told)
		OK(rc);
	atomic_fetch_add(&orphans, (unsigned)told);
	atomic_fetch_add(&locked, 1);
	check_others(k, writes, told);
	if (writes)
		atomic_store(&tally->writer[k], (uint32_t)node.rank + 1);
	else
		atomic_fetch_add(&tally->reader[k][node.rank], 1);
	if (look(g, writes, told))
		lose(k);
	/* Long enough to die there. */
	if (writes || node_random(random) % 2)
		nap(random, writes ? 2000 : 200);
	if (writes)
		atomic_store(&tally->writer[k], 0);
	else
		atomic_fetch_sub(&tally->reader[k][node.rank], 1);
	rc = dsm_sync_rwlock_unlock(node.dsm, &g->lock);
	if (rc == DSM_ERR_LOST_DATA)
		lose(k);
	else
		OK(rc);
}

/* Of a second thread of the node, while this one has it: the node counts both. */
static void *read_too(void *arg)
{
	uint64_t random = (uintptr_t)arg;

	while (!atomic_load(&worker_ends)) {
		const int k = (int)(node_random(&random) % LOCKS);

		if (is_lost[k])
			continue;
		use_lock(k, &random);
		nap(&random, 200);
	}
	return NULL;
}

/* --- barrier and once --- */

static void do_once(void *arg)
{
	const size_t i = (size_t)(uintptr_t)arg;
	uint64_t random = i + 1;

	atomic_fetch_add(&tally->begun[i], 1);
	nap(&random, 3000);
	atomic_fetch_add(&tally->ended[i], 1);
}

static void come_once(size_t i)
{
	const int rc = dsm_sync_once_call(node.dsm, &once[i], do_once, (void *)(uintptr_t)i);
	const uint32_t ended = atomic_load(&tally->ended[i]), begun = atomic_load(&tally->begun[i]);

	if (rc == DSM_ERR_LOST_DATA && view().number > 1)
		return;
	OK(rc);
	if (ended == 0 || begun > view().number)
		node_fail("once %zu has begun %u times, and ended %u", i, begun, ended);
}

/* Made anew by one, for those who live. Who has left the last round before the barrier was lost is one
 * ahead. Returns the next one. */
static uint32_t mend(uint32_t next)
{
	struct dsm_view now;

	atomic_store(&tally->next[node.rank], next);
	OK(dsm_barrier(node.dsm));
	now = view();
	for (int r = 0; r < node.size; r++)
		if (atomic_load(&tally->next[r]) > next)
			next = atomic_load(&tally->next[r]);
	if (node.rank == __builtin_ctzll(now.members)) {
		int rc = dsm_sync_barrier_reset(node.dsm, barrier, (uint32_t)now.living, now.number);

		if (rc == DSM_ERR_LOST_DATA) {
			OK(dsm_renew(node.dsm, barrier, sizeof *barrier));
			rc = dsm_sync_barrier_reset(node.dsm, barrier, (uint32_t)now.living, now.number);
		}
		if (rc != DSM_ERR_LOST_DATA) /* or the next one has died; all will find so */
			OK(rc);
	}
	OK(dsm_barrier(node.dsm));
	return next;
}

/* Returns the next one. */
static uint32_t meet(uint32_t round)
{
	uint32_t members;
	int rc;

	atomic_store(&tally->come[node.rank], round + 1);
	rc = dsm_sync_barrier_wait(node.dsm, barrier);
	if (rc == 0 || rc == DSM_SYNC_LAST) {
		members = (uint32_t)view().members;
		for (int r = 0; r < node.size; r++)
			if (members >> r & 1 && atomic_load(&tally->come[r]) < round + 1)
				node_fail("left round %u, to which rank %d has not come", round, r);
		atomic_fetch_or(&tally->left[round], 1u << node.rank);
	} else if ((rc != DSM_ERR_VIEW && rc != DSM_ERR_LOST_DATA) || view().number == 1) {
		OK(rc);
	} else if (rc == DSM_ERR_VIEW) {
		atomic_fetch_or(&tally->broken[round], 1u << node.rank);
	}
	/* What those who have died may have found does not count. */
	if (atomic_load(&tally->left[round]) & (uint32_t)view().members &&
	    atomic_load(&tally->broken[round]) & (uint32_t)view().members)
		node_fail("round %u was left by %#x, and broken for %#x", round,
		          atomic_load(&tally->left[round]), atomic_load(&tally->broken[round]));
	return rc && rc != DSM_SYNC_LAST ? mend(round + 1) : round + 1;
}

/* --- the run --- */

static void share(void)
{
	const size_t bytes = LOCKS * FAR + PAGE + ONCES * sizeof *once;
	void *at;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, bytes, FAR, 0, &at));
		OK(dsm_publish(node.dsm, "objects", at));
	} else {
		OK(dsm_lookup(node.dsm, "objects", -1, &at));
	}
	far = at;
	barrier = (void *)&far[LOCKS];
	once = (void *)((uint8_t *)barrier + PAGE);
	if (node.rank == 0)
		*barrier = (struct dsm_sync_barrier)DSM_SYNC_BARRIER_INIT((uint32_t)node.size);
	OK(dsm_barrier(node.dsm));
}

int main(int argc, char **argv)
{
	uint64_t random, end = 0;
	pthread_t thread[2];
	uint32_t round = 0;
	struct dsm_view now;
	int said = 0, begun = 0, deaths;

	if (argc != 5)
		return 2;
	tally = survivor_tally(argv[1], sizeof *tally);
	deaths = atoi(argv[3]);
	survivor_catch();
	node_join("survive_objects", 30);
	random = strtoull(argv[4], NULL, 10) * 77 + (unsigned)node.rank + 1;
	share();
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&thread[i], NULL, read_too, (void *)(uintptr_t)(random * 3 + (unsigned)i)) == 0);
	while (!atomic_load(&tally->stop) || round < atomic_load(&tally->stop)) {
		CHECK(round < ROUNDS_MAX);
		round = meet(round);
		come_once(round % ONCES);
		now = view();
		if (round > 20 && node.rank == 0 && !begun++)
			node_say("all have begun");
		if (now.number > 1 && node.rank == __builtin_ctzll(now.members) && !said++)
			node_say("goes on");
		if ((int)now.number == 1 + deaths && !end)
			end = node_now_ns() + MORE_MS * UINT64_C(1000000);
		if (end && node_now_ns() > end && !atomic_load(&tally->stop) &&
		    node.rank == __builtin_ctzll(now.members))
			atomic_store(&tally->stop, round + 5);
	}
	atomic_store(&worker_ends, 1);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	node_say("%u rounds, %u times locked, %u told of a dead owner", round, locked, orphans);
	OK(dsm_fini(node.dsm));
	return 0;
}
