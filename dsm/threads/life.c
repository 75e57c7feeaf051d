/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's threads. Each is a thread of libc's on a private stack, which changes to one in the
 * region; what names it is its descriptor, at the end of that stack, which all nodes know by its
 * address.
 *
 * Two must let go of it before its memory goes: the thread when it has ended, and who joins it, or
 * detaches it. Whoever is second frees the stack.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/threads/sync.h"

static pthread_key_t end_key; /* libc's: its destructor is the thread's last act */
static pthread_mutex_t living = PTHREAD_MUTEX_INITIALIZER; /* of this process: guards done */

/* --- descriptors --- */

struct thread *thread_make(const struct stack *stack)
{
	struct thread *t = (struct thread *)(stack->hi - (sizeof *t + 63) / 64 * 64);

	memset(t, 0, sizeof *t);
	t->stack = *stack;
	return t;
}

void thread_let_go(struct thread *t, uint32_t who)
{
	const struct stack stack = t->stack;

	/* Both orders: what each has done with it, it has done before the other frees it. */
	if (__atomic_fetch_or(&t->left, who, __ATOMIC_ACQ_REL))
		stack_free(&stack);
}

void thread_is_made(void)
{
	__atomic_add_fetch(&here.world->tally[here.rank].made, 1, __ATOMIC_RELAXED);
}

/* Sequentially consistent, as with main, which first says that it waits and then counts: one of both sees
 * the other. */
void thread_is_gone(void)
{
	__atomic_add_fetch(&here.world->tally[here.rank].ended, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&here.world->main_left, __ATOMIC_SEQ_CST))
		return;
	__atomic_add_fetch(&here.world->gone, 1, __ATOMIC_SEQ_CST);
	dsm_futex_wake(here.dsm, &here.world->gone, UINT32_MAX, NULL);
}

/* --- what others wait for --- */

bool flag_is(const uint32_t *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE) == FLAG_IS; /* pairs with flag_set() */
}

void flag_set(uint32_t *flag)
{
	if (__atomic_exchange_n(flag, FLAG_IS, __ATOMIC_RELEASE) == FLAG_WAITED)
		dsm_futex_wake(here.dsm, flag, UINT32_MAX, NULL);
}

bool flag_wait(uint32_t *flag, uint64_t until_ns)
{
	uint32_t was = 0;

	if (flag_is(flag))
		return true;
	__atomic_compare_exchange_n(flag, &was, FLAG_WAITED, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	while (!flag_is(flag)) {
		const int timeout_ms = sync_timeout_ms(until_ns);
		const int rc = dsm_futex_wait(here.dsm, flag, FLAG_WAITED, timeout_ms);

		if (rc == DSM_ERR_TIMEDOUT && sync_timeout_ms(until_ns) == 0)
			return false;
		if (rc != DSM_ERR_TIMEDOUT && rc != DSM_ERR_CHANGED)
			threads_check(rc, "a thread");
	}
	return true;
}

/* --- its life, on its node --- */

static void say_done(struct thread *t)
{
	pthread_mutex_lock(&living);
	flag_set(&t->done);
	pthread_mutex_unlock(&living);
}

int thread_call(struct thread *t, int (*fn)(pthread_t thread, void *arg), void *arg)
{
	sigset_t all, was;
	int rc;

	if (t == mine)
		return fn(t->libc, arg);
	flag_wait(&t->started, DSM_SYNC_NEVER);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was); /* a handler may call this */
	pthread_mutex_lock(&living);
	rc = flag_is(&t->done) ? ESRCH : fn(t->libc, arg);
	pthread_mutex_unlock(&living);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return rc;
}

/* What the program does at a thread's end is done where it did all else. */
static long run_last(void *arg)
{
	catch_on();
	locals_end();
	keys_end(arg);
	if (here.rank) /* whoever joins it may print what comes next */
		fflush(stdout);
	catch_off();
	return 0;
}

/* On the private stack, after destructors of thread-local objects. */
static void on_end(void *arg)
{
	struct thread *t = arg;

	catch_off();
	if (!t->stack.block)
		return; /* main: it is not freed */
	call_on(t, run_last, t);
	stack_guard(&t->stack, false);
	heap_leave();
	mine = NULL; /* what is freed from here on goes by no cache */
	thread_is_gone();
	say_done(t);
	thread_let_go(t, THREAD_ENDED);
	carrier_ends();
}

static long run(void *arg)
{
	struct thread *t = arg;

	catch_on();
	t->result = t->fn(t->arg);
	catch_off();
	return 0;
}

static void *begin(void *arg)
{
	char faults[FAULT_BYTES];
	struct thread *t = arg;

	mine = t;
	t->libc = NEXT(pthread_self)();
	fault_thread(faults, sizeof faults);
	stack_guard(&t->stack, true);
	catch_thread();
	NEXT(pthread_setspecific)(end_key, t);
	pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
	flag_set(&t->started);
	call_on(t, run, t);
	return NULL;
}

int thread_begin(struct thread *t)
{
	int rc, state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	private_depth++; /* what libc allocates for it is of this process */
	rc = carrier_start(begin, t);
	private_depth--;
	pthread_setcancelstate(state, NULL);
	return rc;
}

int thread_open(void)
{
	return NEXT(pthread_key_create)(&end_key, on_end);
}
