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

#include "dsm/threads/errand.h"

#define IDLE_MAX 4
#define CLERK_BYTES ((size_t)256 << 10)

/* One that makes errands; on its stack. */
struct clerk {
	struct clerk *next;
	struct errand *made; /* now, or NULL */
	pid_t tid;
	bool hit; /* it has been sent a signal on account of that */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of this process: */
static struct errand *taken;                             /* from the desk, to be made */
static int idle;                                         /* clerks that wait; atomic */
static struct clerk *clerks;

void errand_post(int node, struct errand *e)
{
	struct desk *desk = &here.world->desk[node];

	list_push(&desk->first, e, &e->next);
	threads_check(dsm_sync_sem_post(here.dsm, &desk->filled), "a call on another node");
}

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

static void begin(struct clerk *clerk, struct errand *e)
{
	pthread_mutex_lock(&lock);
	clerk->made = e;
	clerk->hit = false;
	pthread_mutex_unlock(&lock);
}

static void end(struct clerk *clerk)
{
	pthread_mutex_lock(&lock);
	clerk->made = NULL;
	pthread_mutex_unlock(&lock);
	if (clerk->hit) /* whose signal is not for the next errand */
		NEXT(syscall)(SYS_getppid);
}

static void make(struct clerk *clerk, struct errand *e)
{
	struct errand *const wake = e->wake;
	const int node = e->node;
	uint32_t was;
	long result;

	if (e->fn) {
		result = e->fn(e->arg);
	} else {
		begin(clerk, e);
		result = make_call(e);
		end(clerk);
	}
	e->result = result;
	was = __atomic_exchange_n(&e->done, ERRAND_DONE, __ATOMIC_ACQ_REL); /* and it may be gone */
	dsm_futex_wake(here.dsm, &e->done, UINT32_MAX, NULL);
	if (was == ERRAND_SLOW) /* who waits for this one, too */
		errand_post(node, wake);
}

/* What is made for e is to end with EINTR: again and again, for a call may be just about to begin. */
static long interrupt(const long arg[6])
{
	struct errand *e = (struct errand *)arg[0];

	while (__atomic_load_n(&e->done, __ATOMIC_ACQUIRE) != ERRAND_DONE) {
		pthread_mutex_lock(&lock);
		for (struct clerk *c = clerks; c; c = c->next)
			if (c->made == e) {
				c->hit = true;
				NEXT(syscall)(SYS_tgkill, here.pid, c->tid, ERRAND_SIGNAL);
			}
		pthread_mutex_unlock(&lock);
		dsm_futex_wait(here.dsm, &e->done, ERRAND_SLOW, 1);
	}
	return 0;
}

static void on_signal(int number)
{
}

/* A clerk may be interrupted. */
static void come(struct clerk *clerk)
{
	const struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigaction(ERRAND_SIGNAL, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, ERRAND_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	clerk->tid = (pid_t)NEXT(syscall)(SYS_gettid);
	pthread_mutex_lock(&lock);
	clerk->next = clerks;
	clerks = clerk;
	pthread_mutex_unlock(&lock);
}

static void go(const struct clerk *clerk)
{
	struct clerk **c;

	pthread_mutex_lock(&lock);
	for (c = &clerks; *c != clerk; c = &(*c)->next)
		;
	*c = clerk->next;
	pthread_mutex_unlock(&lock);
}

static void *serve(void *arg)
{
	struct desk *desk = &here.world->desk[here.rank];
	struct clerk clerk = { 0 };
	struct errand *e;

	come(&clerk);
	do {
		threads_check(dsm_sync_sem_wait(here.dsm, &desk->filled), "waiting for calls");
		if (__atomic_sub_fetch(&idle, 1, __ATOMIC_RELAXED) == 0)
			errand_serve();
		e = next_errand(desk);
		if (e)
			make(&clerk, e);
	} while (__atomic_add_fetch(&idle, 1, __ATOMIC_RELAXED) <= IDLE_MAX);
	__atomic_sub_fetch(&idle, 1, __ATOMIC_RELAXED);
	go(&clerk);
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

bool errand_wait(struct errand *e, int timeout_ms)
{
	while (!__atomic_load_n(&e->done, __ATOMIC_ACQUIRE)) {
		const int rc = dsm_futex_wait(here.dsm, &e->done, 0, timeout_ms);

		if (rc == DSM_ERR_TIMEDOUT)
			return __atomic_load_n(&e->done, __ATOMIC_ACQUIRE);
		if (rc != DSM_ERR_CHANGED)
			threads_check(rc, "a call on another node");
	}
	return true;
}

void errand_interrupt(int node, struct errand *e)
{
	errand_call(node, interrupt, (long)e, 0, 0);
}

static long send_errand(int node, struct errand *e)
{
	errand_post(node, e);
	errand_wait(e, -1);
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
