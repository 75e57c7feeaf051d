/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that loses the node that serves memory and names, and then the next one, and goes on:
 *
 *	survive_served FILE 0 DEATHS SEED    ranks 0 to DEATHS - 1 are killed, each at some moment after
 *	                                     the others go on without the one before
 *	survive_served FILE 0 stop SEED      rank 0 stands still for longer than the others wait
 *
 * Threads of all nodes allocate and free, publish, take back and look up names, and claim them. FILE,
 * which all map, tells beside the region whose each piece of memory is: no block is given twice. It also
 * tells which version of a name there has been when: what is found is as new as that. No call fails.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm_coll.h"
#include "dsm/dsm_survive.h"
#include "tests/hang.h"
#include "tests/system/node.h"
#include "tests/system/survivor.h"

#define NODES_MAX 8
#define THREADS 3
#define ALL (NODES_MAX * THREADS)
#define PIECES ((size_t)1 << 22) /* of 16 bytes: the region's */
#define BLOCKS 24                /* that a thread has at most */
#define DIE_US 100000
#define MORE_MS 200
#define GO_ON_MS 3000
#define CALLS 100 /* whose messages are counted */

struct tally {
	_Atomic uint8_t owner[PIECES]; /* rank and 1 */
	_Atomic uint64_t begun[ALL], done[ALL]; /* versions of each thread's name; odd: it is there */
	_Atomic uint32_t here[3], dead;
	void *_Atomic shared[8];
};

static struct {
	struct tally *tally;
	uint8_t *base; /* of the region */
	int deaths, stops;
	unsigned loss_ms;
	uint64_t seed;
	_Atomic int ends;
	_Atomic uint64_t worst_ns, calls, blocks, lost;
} run;

/* --- beside the job --- */

static void nap(void)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	nanosleep(&moment, NULL);
}

static void meet(int point)
{
	const uint64_t end = node_now_ns() + HANG_S * UINT64_C(1000000000);

	atomic_fetch_or(&run.tally->here[point], 1u << node.rank);
	while ((atomic_load(&run.tally->here[point]) | atomic_load(&run.tally->dead)) !=
	       (1u << node.size) - 1) {
		if (node_now_ns() > end)
			node_fail("the others have not come to point %d", point);
		nap();
	}
}

/* Another process has this one go on later. */
static void stop(void)
{
	const struct timespec pause = {.tv_sec = 3 * run.loss_ms / 1000 + 1};
	const pid_t self = getpid();

	if (fork() == 0) {
		nanosleep(&pause, NULL);
		kill(self, SIGCONT);
		_exit(0);
	}
	atomic_fetch_or(&run.tally->dead, 1u << node.rank);
	raise(SIGSTOP);
}

/* Whoever dies next is one who serves, and has a deputy who knows all: he has been answered. */
static void *die(void *arg)
{
	uint64_t random = run.seed * 5 + (unsigned)node.rank;
	struct timespec moment = {.tv_nsec = (long)(node_random(&random) % DIE_US) * 1000};
	struct dsm_view view;

	(void)arg;
	do {
		nap();
		OK(dsm_view(node.dsm, &view));
	} while ((int)view.number != 1 + node.rank);
	OK(dsm_publish(node.dsm, node.rank ? "next" : "first", run.base));
	OK(dsm_publish(node.dsm, node.rank ? "next" : "first", NULL));
	nanosleep(&moment, NULL);
	if (run.stops) {
		stop();
		return NULL;
	}
	atomic_fetch_or(&run.tally->dead, 1u << node.rank);
	raise(SIGKILL);
	return NULL;
}

/* A call has returned that; or 0: this node was left out meanwhile, and hears of it. */
static int is_in(int rc, int want)
{
	if (run.stops && node.rank == 0 && rc == DSM_ERR_LOST && atomic_load(&run.tally->dead)) {
		atomic_store(&run.ends, 1);
		return 0;
	}
	node_expect(rc, want, "a call", __FILE__, __LINE__);
	return 1;
}

/* Who stood still answers himself by what he had, until he knows that he is out: then that was no wrong answer. */
static int learns_that_it_is_out(const char *name)
{
	const uint64_t end_ns = node_now_ns() + UINT64_C(5000000000);
	void *at;

	if (!run.stops || node.rank != 0 || !atomic_load(&run.tally->dead))
		return 0;
	while (node_now_ns() < end_ns)
		if (dsm_lookup(node.dsm, name, 0, &at) == DSM_ERR_LOST) {
			atomic_store(&run.ends, 1);
			return 1;
		}
	return 0;
}

static void took(uint64_t since_ns)
{
	const uint64_t ns = node_now_ns() - since_ns;
	uint64_t worst = atomic_load(&run.worst_ns);

	while (ns > worst && !atomic_compare_exchange_weak(&run.worst_ns, &worst, ns))
		;
	atomic_fetch_add(&run.calls, 1);
}

/* --- memory --- */

struct mine {
	uint64_t random;
	int index; /* of all threads */
	void *block[BLOCKS];
	size_t bytes[BLOCKS];
	uint64_t version;
};

static void mark(const void *at, size_t bytes, int whose)
{
	const size_t first = (size_t)((const uint8_t *)at - run.base) / 16;

	for (size_t i = first; i < first + (bytes + 15) / 16; i++) {
		int was = atomic_exchange(&run.tally->owner[i], (uint8_t)whose);

		if (was && whose)
			node_fail("%zu bytes at %p are given to node %d, and node %d has them", bytes, at,
			          node.rank, was - 1);
	}
}

/* What is to be cleared may be a dead node's. */
static int allocate(size_t bytes, void **at)
{
	volatile int rc = DSM_ERR_LOST_DATA;

	if (!sigsetjmp(way_out, 1)) {
		has_way_out = 1;
		rc = dsm_alloc(node.dsm, bytes, 0, 0, at);
	}
	has_way_out = 0;
	return rc;
}

static void take(struct mine *m, unsigned k)
{
	const unsigned most = node_random(&m->random) % 4 ? 200 : 20000;
	const uint64_t since = node_now_ns();
	int rc;

	m->bytes[k] = 1 + node_random(&m->random) % most;
	rc = allocate(m->bytes[k], &m->block[k]);
	took(since);
	if (rc == DSM_ERR_LOST_DATA && atomic_load(&run.tally->dead)) {
		atomic_fetch_add(&run.lost, 1);
		m->block[k] = NULL;
		return;
	}
	if (!is_in(rc, 0)) {
		m->block[k] = NULL;
		return;
	}
	mark(m->block[k], m->bytes[k], node.rank + 1);
	atomic_fetch_add(&run.blocks, 1);
}

static void give(struct mine *m, unsigned k)
{
	const uint64_t since = node_now_ns();

	mark(m->block[k], m->bytes[k], 0);
	is_in(dsm_free(node.dsm, m->block[k]), 0);
	took(since);
	m->block[k] = NULL;
}

/* --- names --- */

static void name_of(char name[16], int index)
{
	snprintf(name, 16, "of %d", index);
}

static void change_name(struct mine *m)
{
	const uint64_t since = node_now_ns();
	char name[16];

	name_of(name, m->index);
	m->version++;
	atomic_store(&run.tally->begun[m->index], m->version);
	if (!is_in(dsm_publish(node.dsm, name, m->version & 1 ? run.base + 16 * m->version : NULL), 0))
		return;
	atomic_store(&run.tally->done[m->index], m->version);
	took(since);
}

static void look_up(struct mine *m)
{
	const int index = (int)(node_random(&m->random) % (unsigned)(node.size * THREADS));
	const int timeout_ms = (int)(node_random(&m->random) % 3);
	const uint64_t since = node_now_ns(), low = atomic_load(&run.tally->done[index]);
	uint64_t high, version = 0;
	char name[16];
	void *at;
	int rc;

	name_of(name, index);
	rc = dsm_lookup(node.dsm, name, timeout_ms, &at);
	took(since);
	high = atomic_load(&run.tally->begun[index]);
	if (rc == 0) {
		version = (uint64_t)((uint8_t *)at - run.base) / 16;
		if ((!(version & 1) || version < low || version > high) && !learns_that_it_is_out(name))
			node_fail("version %llu of name '%s' is found among %llu to %llu",
			          (unsigned long long)version, name, (unsigned long long)low,
			          (unsigned long long)high);
		return;
	}
	if (is_in(rc, timeout_ms ? DSM_ERR_TIMEDOUT : DSM_ERR_NOENT) && low == high && (low & 1) && !timeout_ms &&
	    !learns_that_it_is_out(name))
		node_fail("name '%s' is not found, and is there", name);
}

/* --- all --- */

static void *work(void *arg)
{
	struct mine m = {.index = (int)(intptr_t)arg};

	m.random = run.seed * 77 + (unsigned)m.index + 1;
	while (!atomic_load(&run.ends)) {
		const unsigned k = (unsigned)(node_random(&m.random) % BLOCKS);

		switch (node_random(&m.random) % 4) {
		case 0: change_name(&m); break;
		case 1: look_up(&m); break;
		default:
			if (m.block[k])
				give(&m, k);
			else
				take(&m, k);
		}
	}
	for (unsigned k = 0; k < BLOCKS; k++)
		if (m.block[k])
			give(&m, k);
	return NULL;
}

/* Claimed by one, and found by the others. */
static void share(void)
{
	void *at = NULL;
	int rc = dsm_shared(node.dsm, "by one of those who live", 100, 0, &at);

	if (rc != DSM_ERR_LOST_DATA) /* what it is to clear, as in take() */
		OK(rc);
	atomic_store(&run.tally->shared[node.rank], at);
	meet(2);
	for (int rank = run.deaths; rank < node.size; rank++)
		if (at && atomic_load(&run.tally->shared[rank]) && atomic_load(&run.tally->shared[rank]) != at)
			node_fail("shares other memory than node %d", rank);
}

/* Beside a request and its answer: nobody else calls. */
static void count_messages(void)
{
	struct dsm_stats before, after;

	meet(0);
	if (node.rank == node.size - 1) {
		OK(dsm_get_stats(node.dsm, &before, sizeof before));
		for (int i = 0; i < CALLS; i++)
			OK(dsm_publish(node.dsm, "counted", i % 2 ? NULL : run.base));
		OK(dsm_get_stats(node.dsm, &after, sizeof after));
		CHECK(after.messages_sent - before.messages_sent == CALLS);
		CHECK(after.messages_received - before.messages_received == CALLS);
	}
	meet(1);
}

/* The lowest address that is given. */
static void find_base(void)
{
	void *at;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, 4096, 0, 0, &at));
		OK(dsm_publish(node.dsm, "base", at));
	} else {
		OK(dsm_lookup(node.dsm, "base", -1, &at));
	}
	run.base = at;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];
	struct dsm_view view;

	if (argc != 5)
		return 2;
	run.tally = survivor_tally(argv[1], sizeof *run.tally);
	survivor_catch();
	run.stops = !strcmp(argv[3], "stop");
	run.deaths = run.stops ? 1 : atoi(argv[3]);
	run.loss_ms = getenv("DSM_LOSS_TIMEOUT") ? (unsigned)atoi(getenv("DSM_LOSS_TIMEOUT")) : 2000;
	run.seed = strtoull(argv[4], NULL, 10) | 1;
	node_join("survive_served", 30);
	CHECK(run.deaths < node.size && node.size <= NODES_MAX);
	find_base();
	count_messages();
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)(node.rank * THREADS + i)) == 0);
	if (node.rank < run.deaths)
		survivor_end_by(die);
	do {
		nap();
		OK(dsm_view(node.dsm, &view));
	} while (!atomic_load(&run.ends) && ((int)view.number < 1 + run.deaths || node.rank < run.deaths));
	for (int i = 0; i < MORE_MS; i++)
		nap();
	atomic_store(&run.ends, 1);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	if (node.rank < run.deaths) {
		EXPECT(DSM_ERR_LOST, dsm_fini(node.dsm));
		node_say("is out, and knows");
		return 0;
	}
	share();
	if (run.worst_ns / 1000000 > (run.loss_ms + GO_ON_MS) * (uint64_t)HANG_TIMES)
		node_fail("has waited for %llu ms", (unsigned long long)run.worst_ns / 1000000);
	node_say("%llu calls, %llu blocks, %llu lost, worst wait %llu ms", (unsigned long long)run.calls,
	         (unsigned long long)run.blocks, (unsigned long long)run.lost,
	         (unsigned long long)run.worst_ns / 1000000);
	OK(dsm_fini(node.dsm));
	return 0;
}
