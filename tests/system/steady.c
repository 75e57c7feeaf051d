/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A steady load to be looked at, of two nodes: turn by turn node 0 writes a page, and node 1 reads
 * it. A thread of node 1 waits all the time for a mutex that node 0 holds.
 *
 *	dsmctl run -n 2 steady     ends when its standard input does
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/node.h"

#define PAGE 4096
#define TURN_NS 2000000 /* at least */

struct shared {
	dsm_mutex mutex;
	_Atomic uint32_t over;
};

static struct shared *shared;
static _Atomic int ended;

static void *wait_for_end(void *unused)
{
	char byte;

	while (read(0, &byte, 1) > 0)
		;
	ended = 1;
	return NULL;
}

static void *wait_for_mutex(void *unused)
{
	OK(dsm_mutex_lock(node.dsm, shared->mutex));
	OK(dsm_mutex_unlock(node.dsm, shared->mutex));
	return NULL;
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = TURN_NS };
	volatile uint64_t *steady;
	pthread_t thread;

	node_join("steady", 60);
	CHECK(node.size == 2);
	shared = node_shared("shared", PAGE, PAGE);
	steady = node_shared("steady", PAGE, PAGE);
	if (node.rank == 0) {
		OK(dsm_mutex_create(node.dsm, &shared->mutex));
		OK(dsm_mutex_lock(node.dsm, shared->mutex));
	}
	node_barrier();
	CHECK(!pthread_create(&thread, NULL, node.rank ? wait_for_mutex : wait_for_end, NULL));
	for (uint64_t turn = 1; !shared->over; turn++) {
		if (node.rank == 0) {
			*steady = turn;
			nanosleep(&pause, NULL);
		}
		node_barrier();
		CHECK(*steady == turn);
		if (node.rank == 0 && turn == 10) {
			puts("ready");
			fflush(stdout);
		}
		if (node.rank == 0 && ended)
			shared->over = 1;
		node_barrier();
	}
	if (node.rank == 0)
		OK(dsm_mutex_unlock(node.dsm, shared->mutex));
	CHECK(!pthread_join(thread, NULL));
	node_barrier();
	node_leave();
	return 0;
}
