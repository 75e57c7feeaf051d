/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that loses a node among mutexes, conditions, semaphores, words and barriers, and goes on:
 *
 *	survive_sync FILE RANK kill SEED    rank RANK is killed at some moment
 *	survive_sync FILE RANK holder SEED  ... while it holds a mutex of each kind
 *	survive_sync FILE RANK two SEED     ... and once the others go on, so is the rank after it
 *
 * Two threads of each node take mutexes, of the library's and in shared memory, of all homes. FILE,
 * which all map, tells beside the region who is inside: never two, and who comes to what a dead one
 * has left is told so by DSM_ERR_OWNER_DEAD. The sum in shared memory that a mutex guards is what
 * FILE says. Nobody passes a barrier before all who live have come to it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm_survive.h"
#include "dsm/dsm_sync.h"
#include "tests/hang.h"
#include "tests/system/node.h"
#include "tests/system/survivor.h"
#include "tests/system/survive_sync.h"

#define DIE_US 300000
#define MORE_MS 200
#define OWN_PAGES 1024 /* that a node has to report when a view begins, while its threads go on to call */
#define PAGE ((size_t)4096)

struct sync_run run;

/* --- dying --- */

static _Noreturn void die(void)
{
	atomic_fetch_or(&run.tally->dead, 1u << node.rank);
	atomic_store(&run.tally->died_ns, node_now_ns());
	raise(SIGKILL);
	abort();
}

static void *die_later(void *arg)
{
	uint64_t random = run.seed * 5;
	const struct timespec moment = {.tv_nsec = (long)(node_random(&random) % DIE_US) * 1000};

	(void)arg;
	nanosleep(&moment, NULL);
	if (!run.holder)
		die();
	for (int kind = 0; kind < 2; kind++) {
		const int k = kind * node.size + (int)(node_random(&random) % (unsigned)node.size);

		OK(sync_lock(k));
		atomic_store(&run.tally->lock[k].left_held, 1);
		atomic_store(&run.tally->lock[k].inside, (uint32_t)node.rank * 2 + 1);
	}
	nanosleep(&moment, NULL); /* others come to wait for them */
	die();
}

/* --- the start --- */

/* Objects that each node makes, of which all get to know beside the region. */
static void share(void)
{
	const size_t blocks = (size_t)node.size * SYNC_BLOCK, own = OWN_PAGES * PAGE;
	void *at;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, blocks + (size_t)node.size * own, SYNC_BLOCK, 0, &at));
		OK(dsm_publish(node.dsm, "blocks", at));
	} else {
		OK(dsm_lookup(node.dsm, "blocks", -1, &at));
	}
	run.block = at;
	for (size_t i = 0; i < own; i += PAGE)
		*(volatile uint8_t *)(run.block + blocks + (size_t)node.rank * own + i) = 1;
	OK(dsm_mutex_create(node.dsm, &run.tally->mutex[node.rank]));
	OK(dsm_cond_create(node.dsm, run.tally->mutex[node.rank], &run.tally->cond[node.rank]));
	if (node.rank == 0)
		OK(dsm_sync_sem_post(node.dsm, sync_sem()));
	OK(dsm_barrier(node.dsm));
}

/* --- the work --- */

static void *work(void *arg)
{
	uint64_t random = run.seed * 7 + (unsigned)node.rank + 1;

	(void)arg;
	while (!atomic_load(&run.worker_ends))
		sync_some(1, &random);
	atomic_store(&run.worker_ended, 1);
	return NULL;
}

/* Whoever waits for a condition or a word of this round goes on. */
static void wake_all(void)
{
	uint32_t woken;
	int rc;

	for (int k = 0; k < node.size; k++) {
		OK(dsm_cond_broadcast(node.dsm, run.tally->cond[k]));
		rc = dsm_sync_cond_broadcast(node.dsm, sync_cond(k));
		if (rc != DSM_ERR_LOST_DATA)
			OK(rc);
		rc = dsm_fetch_add32(node.dsm, sync_word(k), 1, NULL);
		if (rc == DSM_ERR_LOST_DATA)
			continue;
		OK(rc);
		rc = dsm_futex_wake(node.dsm, sync_word(k), UINT32_MAX, &woken);
		if (rc != DSM_ERR_VIEW)
			OK(rc);
	}
}

static void pass_barrier(uint64_t round)
{
	const uint64_t since = node_now_ns();
	uint32_t dead;

	atomic_store(&run.tally->arrived[node.rank], round);
	OK(dsm_barrier(node.dsm));
	sync_took(since);
	dead = atomic_load(&run.tally->dead);
	for (int rank = 0; rank < node.size; rank++)
		if (!(dead >> rank & 1) && atomic_load(&run.tally->arrived[rank]) < round &&
		    !(atomic_load(&run.tally->dead) >> rank & 1))
			node_fail("is through barrier %llu before node %d has come to it",
			          (unsigned long long)round, rank);
}

static void *second_death(void *arg)
{
	return die_later(arg);
}

/* Rounds until all who are to die have, and some more: all who live pass the same barriers. */
static void work_rounds(void)
{
	uint64_t random = run.seed * 13 + (unsigned)node.rank + 1, enough = 0, expected = 0;
	struct dsm_view view;
	int dying = 0;

	for (uint64_t round = 1;; round++) {
		for (int i = 0; i < 4; i++)
			sync_some(0, &random);
		wake_all();
		OK(dsm_view(node.dsm, &view));
		if (view.number == 2 && run.deaths == 2 && !dying &&
		    node.rank == (run.victim + 1) % node.size) {
			survivor_end_by(second_death);
			dying = 1;
		}
		if ((int)view.number == 1 + run.deaths && !enough)
			enough = node_now_ns() + MORE_MS * UINT64_C(1000000);
		expected = 0;
		if (enough && node_now_ns() > enough)
			atomic_compare_exchange_strong(&run.tally->stop, &expected, round);
		pass_barrier(round);
		if (atomic_load(&run.tally->stop) == round)
			return;
	}
}

static void end_worker(pthread_t worker)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	atomic_store(&run.worker_ends, 1);
	while (!atomic_load(&run.worker_ended)) {
		wake_all();
		nanosleep(&moment, NULL);
	}
	CHECK(pthread_join(worker, NULL) == 0);
}

int main(int argc, char **argv)
{
	pthread_t worker;
	struct dsm_view view;

	if (argc != 5)
		return 2;
	run.tally = survivor_tally(argv[1], sizeof *run.tally);
	run.victim = atoi(argv[2]);
	run.holder = !strcmp(argv[3], "holder");
	run.deaths = strcmp(argv[3], "two") ? 1 : 2;
	run.loss_ms = getenv("DSM_LOSS_TIMEOUT") ? (unsigned)atoi(getenv("DSM_LOSS_TIMEOUT")) : 2000;
	run.seed = strtoull(argv[4], NULL, 10) | 1;
	sync_catch();
	node_join("survive_sync", 60);
	share();
	CHECK(pthread_create(&worker, NULL, work, NULL) == 0);
	if (node.rank == run.victim)
		survivor_end_by(die_later);
	work_rounds();
	end_worker(worker);
	OK(dsm_barrier(node.dsm));
	for (int k = 0; k < 2 * node.size; k++)
		sync_section(k, sync_lock(k));
	OK(dsm_barrier(node.dsm));
	sync_compare();
	OK(dsm_view(node.dsm, &view));
	CHECK((int)view.number == 1 + run.deaths && view.living == node.size - run.deaths);
	OK(dsm_fini(node.dsm));
	return 0;
}
