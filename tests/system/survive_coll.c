/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all who live do together, while nodes die:
 *
 *	survive_coll FILE RANK kill SEED    rank RANK is killed at some moment
 *	survive_coll FILE RANK two SEED     and once the others go on, so is the rank after it
 *	survive_coll FILE RANK stop SEED    it stands still for longer than the others wait, and goes on
 *
 * Nodes reduce and broadcast one after the other, without end. Of each call all who live must hear the same: what
 * those who live in one view have given, each once, or DSM_ERR_VIEW, and that before they hear of others.
 * FILE, which all map, tells in the end what each has heard.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsm/dsm_coll.h"
#include "dsm/dsm_survive.h"
#include "tests/system/survivor.h"

#define NODES_MAX 8
#define VALUES 8      /* more than go in one message */
#define DIE_US 300000 /* the moment is within so much of the others' beginning */
#define MORE 40       /* calls after the last death */
#define STOPS UINT64_C(1000)

struct tally {
	_Atomic uint64_t heard[NODES_MAX], calls[NODES_MAX]; /* a digest of all, and how many */
	_Atomic uint32_t dead;
	_Atomic uint32_t out; /* who stood still knows that it is out */
};

static struct tally *tally;
static uint64_t heard, calls, mask; /* mask: whose the last result was */
static int victim, deaths, stops;
static int views_heard;
static uint64_t seed;

static void note(uint64_t what)
{
	heard = (heard ^ what) * UINT64_C(0xff51afd7ed558ccd);
	heard ^= heard >> 29;
	calls++;
}

/* --- dying --- */

static void *die(void *arg)
{
	uint64_t random = seed * 31 + 7;
	const struct timespec moment = { .tv_nsec = (long)(node_random(&random) % DIE_US) * 1000 };
	const struct timespec pause = { .tv_sec = 5 };
	const pid_t self = getpid();

	(void)arg;
	nanosleep(&moment, NULL);
	atomic_fetch_or(&tally->dead, 1u << node.rank);
	if (!stops)
		raise(SIGKILL);
	if (fork() == 0) {
		nanosleep(&pause, NULL);
		kill(self, SIGCONT);
		_exit(0);
	}
	raise(SIGSTOP);
	return NULL;
}

/* --- what all do --- */

static void changed(void)
{
	note(1);
	views_heard++;
	mask = 0; /* the next result may be of others */
}

/* Who stood still is told that it is out. */
static void check_code(int rc)
{
	if (rc == DSM_ERR_LOST && stops && node.rank == victim) {
		node_say("is out, and knows");
		atomic_store(&tally->out, 1);
		exit(0);
	}
	OK(rc);
}

/* Adds up who there is, the number of the call, and who wants to stop. Returns whether somebody does. */
static int reduce(int stop)
{
	uint64_t value[VALUES] = { UINT64_C(1) << node.rank, calls, (uint64_t)stop }, n;
	int rc;

	for (int i = 3; i < VALUES; i++)
		value[i] = (uint64_t)(i * (node.rank + 1));
	rc = dsm_reduce(node.dsm, value, VALUES, DSM_UINT64, DSM_SUM);
	if (rc == DSM_ERR_VIEW) {
		CHECK(value[0] == UINT64_C(1) << node.rank && value[1] == calls);
		changed();
		return 0;
	}
	check_code(rc);
	n = (uint64_t)__builtin_popcountll(value[0]);
	if (!(value[0] >> node.rank & 1) || value[1] != n * calls)
		node_fail("call %llu: what came is of %#llx, and adds up to %llu", (unsigned long long)calls,
		          (unsigned long long)value[0], (unsigned long long)value[1]);
	for (int i = 3; i < VALUES; i++) {
		uint64_t sum = 0;
		for (int rank = 0; rank < node.size; rank++)
			sum += value[0] >> rank & 1 ? (uint64_t)(i * (rank + 1)) : 0;
		CHECK(value[i] == sum);
	}
	if (mask && mask != value[0])
		node_fail("what came is of %#llx, after %#llx, and nobody has said so",
		          (unsigned long long)value[0], (unsigned long long)mask);
	mask = value[0];
	note(2 + value[0]);
	return value[2] != 0;
}

/* From the highest of those who gave something last: all know the same of that. */
static void broadcast(void)
{
	const int root = 63 - __builtin_clzll(mask);
	uint64_t data[VALUES] = { 0 };
	int rc;

	for (int i = 0; i < VALUES && node.rank == root; i++)
		data[i] = calls * VALUES + (unsigned)i;
	rc = dsm_broadcast(node.dsm, data, sizeof data, root);
	if (rc == DSM_ERR_VIEW) {
		changed();
		return;
	}
	check_code(rc);
	for (int i = 0; i < VALUES; i++)
		CHECK(data[i] == calls * VALUES + (unsigned)i);
	note(STOPS + (unsigned)root);
}

/* Until all who are to die have, and some calls more. */
static void work(void)
{
	struct dsm_view view = { .number = 1 };
	uint64_t end = 0;
	int dying = 0, stop = 0;

	do {
		OK(dsm_view(node.dsm, &view));
		if ((int)view.number == deaths && deaths == 2 && !dying &&
		    node.rank == (victim + 1) % node.size) {
			survivor_end_by(die);
			dying = 1;
		}
		if ((int)view.number == 1 + deaths && !end)
			end = calls + MORE;
		stop = reduce(end && calls >= end && (!stops || atomic_load(&tally->out)));
		if (mask)
			broadcast();
	} while (!stop);
}

/* --- in the end --- */

static void compare(void)
{
	const unsigned dead = atomic_load(&tally->dead);

	atomic_store(&tally->heard[node.rank], heard);
	atomic_store(&tally->calls[node.rank], calls);
	OK(dsm_barrier(node.dsm));
	for (int rank = 0; rank < node.size; rank++) {
		if (dead >> rank & 1)
			continue;
		if (atomic_load(&tally->heard[rank]) != heard || atomic_load(&tally->calls[rank]) != calls)
			node_fail("rank %d has heard of other things: %llu calls, and these were %llu", rank,
			          (unsigned long long)atomic_load(&tally->calls[rank]),
			          (unsigned long long)calls);
	}
	CHECK(views_heard >= 1 && views_heard <= deaths);
	CHECK(!mask || (mask & dead) == 0);
}

/* What is refused is so at all. */
static void refused(void)
{
	const int first = __builtin_ctz(~atomic_load(&tally->dead));
	uint32_t value[2] = { 1, 1 };

	EXPECT(DSM_ERR_LOST_DATA, dsm_broadcast(node.dsm, value, sizeof value, victim));
	EXPECT(DSM_ERR_INVAL, dsm_reduce(node.dsm, value, node.rank == first ? 1 : 2, DSM_UINT32, DSM_MAX));
	CHECK(value[0] == 1 && value[1] == 1);
	OK(dsm_reduce(node.dsm, value, 2, DSM_UINT32, DSM_SUM));
	CHECK(value[0] == (unsigned)(node.size - deaths) && value[1] == value[0]);
	/* Which a death interrupts no more. */
	OK(dsm_broadcast(node.dsm, value, sizeof value, first));
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	tally = survivor_tally(argv[1], sizeof *tally);
	victim = atoi(argv[2]);
	deaths = strcmp(argv[3], "two") ? 1 : 2;
	stops = !strcmp(argv[3], "stop");
	seed = strtoull(argv[4], NULL, 10) | 1;
	survivor_catch();
	node_join("survive_coll", 30);
	OK(dsm_barrier(node.dsm));
	if (node.rank == victim)
		survivor_end_by(die);
	work();
	compare();
	refused();
	node_say("%llu calls, of which %d were told of a view", (unsigned long long)calls, views_heard);
	OK(dsm_fini(node.dsm));
	return 0;
}
