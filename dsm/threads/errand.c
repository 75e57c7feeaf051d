/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that one node has another make, for what is of the other's process; and calls of this
 * library, which all nodes have at the same address. Their arguments are numbers, or in shared memory,
 * where they are found as on any node.
 *
 * A call may take as long as it likes. So who takes one at a node sees to it that somebody is left to
 * take the next.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

#define IDLE_MAX 4
#define CLERK_BYTES ((size_t)256 << 10)

/* In one page, wherever it is. */
struct errand {
	_Alignas(128) struct errand *next;
	long (*fn)(const long arg[6]); /* or NULL, and the number of a system call */
	long number, arg[6];
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
	if (!taken) /* acquire pairs with list_push() */
		taken = __atomic_exchange_n(&desk->first, NULL, __ATOMIC_ACQUIRE);
	e = taken;
	if (e)
		taken = e->next;
	pthread_mutex_unlock(&lock);
	return e;
}

static long make_call(const struct errand *e)
{
	const long *a = e->arg;
	const long result = NEXT(syscall)(e->number, a[0], a[1], a[2], a[3], a[4], a[5]);

	return result == -1 ? -errno : result;
}

static void make(struct errand *e)
{
	e->result = e->fn ? e->fn(e->arg) : make_call(e);
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

/* What is for the process is for the program's threads; but SIGPIPE is for whoever writes, for others
 * as well. */
void signals_away(sigset_t *was)
{
	static const int not[] = { SIGPIPE, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof not / sizeof *not; i++)
		sigdelset(&set, not[i]);
	pthread_sigmask(SIG_SETMASK, &set, was);
}

void errand_serve(void)
{
	pthread_attr_t attr;
	pthread_t clerk;
	sigset_t was;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CLERK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	__atomic_add_fetch(&idle, 1, __ATOMIC_RELAXED);
	signals_away(&was);
	if (NEXT(pthread_create)(&clerk, &attr, serve, NULL))
		__atomic_sub_fetch(&idle, 1, __ATOMIC_RELAXED); /* calls wait for each other then */
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_attr_destroy(&attr);
}

/* --- who sends --- */

static long send_errand(int node, struct errand *e)
{
	struct desk *desk = &here.world->desk[node];

	list_push(&desk->first, e, &e->next);
	threads_check(dsm_sync_sem_post(here.dsm, &desk->filled), "a call on another node");
	while (!__atomic_load_n(&e->done, __ATOMIC_ACQUIRE)) {
		const int rc = dsm_futex_wait(here.dsm, &e->done, 0, -1);

		if (rc != DSM_ERR_CHANGED)
			threads_check(rc, "a call on another node");
	}
	return e->result;
}

/* The errand is on the program's stack, and so in the region. */
long errand_make(int node, long number, const long arg[6])
{
	struct errand e = { .number = number };

	memcpy(e.arg, arg, sizeof e.arg);
	return send_errand(node, &e);
}

long errand_send(int node, long number, long a, long b, long c, long d)
{
	const long arg[6] = { a, b, c, d };

	return errand_make(node, number, arg);
}

static long on_stack(const long arg[6])
{
	struct stack stack;
	long result;

	threads_check(stack_make(EXTENT, &stack), "a call on another node");
	result = call_on(stack.hi, (long (*)(void *))arg[0], (void *)arg[1]);
	stack_free(&stack);
	return result;
}

long errand_on_stack(int node, long (*fn)(void *), void *arg)
{
	return errand_call(node, on_stack, (long)fn, (long)arg, 0);
}

long errand_call(int node, long (*fn)(const long arg[6]), long a, long b, long c)
{
	struct errand e = { .fn = fn, .arg = { a, b, c } };

	return node == here.rank ? fn(e.arg) : send_errand(node, &e);
}
