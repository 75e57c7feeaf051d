/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that one node has another make: on descriptors, which are of main's node, and of signals.
 * Their arguments are numbers, or in shared memory, where the kernel finds them as on any node.
 *
 * A call may take as long as it likes. So who takes one at a node sees to it that somebody is left to
 * take the next.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

#define IDLE_MAX 4
#define CLERK_BYTES ((size_t)64 << 10)

struct errand {
	struct errand *next;
	long number, arg[4];
	long result;   /* negative: an error */
	uint32_t done; /* atomic, waited for */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of this process: */
static struct errand *taken;                             /* from the desk, to be made */
static int idle;                                         /* clerks that wait */

/* --- the clerks --- */

static struct errand *next_errand(struct desk *desk)
{
	struct errand *e;

	pthread_mutex_lock(&lock);
	if (!taken) /* acquire pairs with the release in errand_send() */
		taken = __atomic_exchange_n(&desk->first, NULL, __ATOMIC_ACQUIRE);
	e = taken;
	if (e)
		taken = e->next;
	pthread_mutex_unlock(&lock);
	return e;
}

static void make(struct errand *e)
{
	long result;

	if (e->number == SYS_exit_group)
		here.end_now((int)e->arg[0]);
	if (e->number == SYS_tgkill)
		e->arg[0] = getpid();
	result = NEXT(syscall)(e->number, e->arg[0], e->arg[1], e->arg[2], e->arg[3]);
	e->result = result == -1 ? -errno : result;
	__atomic_store_n(&e->done, 1, __ATOMIC_RELEASE); /* and it may be gone */
	dsm_futex_wake(here.dsm, &e->done, UINT32_MAX, NULL);
}

static void *serve(void *arg)
{
	struct desk *desk = &here.world->desk[here.rank];
	struct errand *e;

	do {
		threads_check(dsm_sync_sem_wait(here.dsm, &desk->filled), "waiting for calls");
		if (__atomic_sub_fetch(&idle, 1, __ATOMIC_RELAXED) == 0)
			errand_serve();
		e = next_errand(desk);
		if (e)
			make(e);
	} while (__atomic_add_fetch(&idle, 1, __ATOMIC_RELAXED) <= IDLE_MAX);
	__atomic_sub_fetch(&idle, 1, __ATOMIC_RELAXED);
	return arg;
}

void errand_serve(void)
{
	pthread_attr_t attr;
	pthread_t clerk;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CLERK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	__atomic_add_fetch(&idle, 1, __ATOMIC_RELAXED);
	if (NEXT(pthread_create)(&clerk, &attr, serve, NULL))
		__atomic_sub_fetch(&idle, 1, __ATOMIC_RELAXED); /* calls wait for each other then */
	pthread_attr_destroy(&attr);
}

/* --- who sends --- */

long errand_send(int node, long number, long a, long b, long c, long d)
{
	struct errand e = { .number = number, .arg = { a, b, c, d } }; /* in the region: the program's stack */
	struct desk *desk = &here.world->desk[node];

	e.next = __atomic_load_n(&desk->first, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&desk->first, &e.next, &e, 0, __ATOMIC_RELEASE,
	                                    __ATOMIC_RELAXED))
		;
	threads_check(dsm_sync_sem_post(here.dsm, &desk->filled), "a call on another node");
	while (!__atomic_load_n(&e.done, __ATOMIC_ACQUIRE)) {
		const int rc = dsm_futex_wait(here.dsm, &e.done, 0, -1);

		if (rc != DSM_ERR_CHANGED)
			threads_check(rc, "a call on another node");
	}
	if (e.result >= 0)
		return e.result;
	errno = (int)-e.result;
	return -1;
}
