/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that loses a node. The others learn it at once, where they wait for the others:
 *
 *	lost RANK           in a call, which returns DSM_ERR_LOST
 *	lost RANK access    in accesses to pages that this node has, which end in SIGBUS
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/node.h"

#define THREADS 2     /* one reads, one writes */
#define STOPPED_MS 500 /* so long the lost node does not answer, before it is killed */
#define LATE_MS 4000
#define PAGES 300 /* for each thread: more than are fetched until the node has stopped */

static atomic_uint *pages; /* PAGES for each thread; all are the victim's */
static size_t page_uints;
static int victim;

static __thread sigjmp_buf *way_out;

static void on_sigbus(int sig)
{
	if (way_out)
		siglongjmp(*way_out, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Who is the last to leave it may find the lost node gone already. */
static void barrier(void)
{
	int rc = dsm_barrier(node.dsm);

	if (rc != DSM_ERR_LOST)
		OK(rc);
}

/* Accesses what the stopped node has, page by page, for it may serve some until it has really
 * stopped, and waits for the next one. Ends the process when it waits for long after the node is
 * dead. */
static void *touch(void *arg)
{
	int number = *(int *)arg;
	atomic_uint *mine = pages + (size_t)(node.rank * THREADS + number) * PAGES * page_uints;
	volatile int i = 0;
	volatile uint64_t start = 0;
	uint64_t ms;
	sigjmp_buf out;

	if (!sigsetjmp(out, 1)) {
		way_out = &out;
		for (; i < PAGES; i++) {
			start = clock_now_ns();
			if (number)
				atomic_fetch_add(mine + i * page_uints, 1);
			else if (!atomic_load(mine + i * page_uints))
				node_fail("page %d is empty", i);
		}
		node_fail("has got all pages of a node that was stopped");
	}
	way_out = NULL;
	ms = (clock_now_ns() - start) / 1000000;
	if (ms > STOPPED_MS + LATE_MS)
		node_fail("SIGBUS came %llu ms after the access", (unsigned long long)ms);
	node_say("SIGBUS after %llu ms", (unsigned long long)ms);
	return NULL;
}

/* Killed while it is stopped, with what others want. */
static _Noreturn void stop_and_die(void)
{
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec when = { .it_value.tv_nsec = STOPPED_MS * 1000000L };
	timer_t timer;

	CHECK(timer_create(CLOCK_MONOTONIC, &kill, &timer) == 0);
	CHECK(timer_settime(timer, 0, &when, NULL) == 0);
	raise(SIGSTOP);
	node_fail("goes on after it was stopped");
}

static void lose_access(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	pthread_t thread[THREADS];
	int number[THREADS];

	page_uints = page / sizeof *pages;
	pages = node_shared("pages", page * PAGES * THREADS * node.size, page);
	for (int i = 0; node.rank == victim && i < PAGES * THREADS * node.size; i++)
		atomic_store(pages + i * page_uints, 1);
	barrier();
	if (node.rank == victim)
		stop_and_die();
	for (int i = 0; i < THREADS; i++) {
		number[i] = i;
		CHECK(pthread_create(&thread[i], NULL, touch, &number[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_sigbus };

	victim = argc > 1 ? atoi(argv[1]) : 0;
	/* Before the library's own, where it has one: that passes on what is not its. */
	sigaction(SIGBUS, &action, NULL);
	node_join("lost", 30);
	barrier();
	if (argc > 2)
		lose_access();
	else if (node.rank == victim)
		raise(SIGKILL);
	EXPECT(DSM_ERR_LOST, dsm_barrier(node.dsm));
	node_say("the job is lost");
	dsm_fini(node.dsm);
	return 0;
}
