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
#include <string.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

#define PRIVATE_BYTES ((size_t)256 << 10)

static pthread_key_t end_key; /* libc's: its destructor is the thread's last act */

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

void thread_is_gone(void)
{
	if (__atomic_sub_fetch(&here.world->alive, 1, __ATOMIC_RELEASE) == 0)
		dsm_futex_wake(here.dsm, &here.world->alive, UINT32_MAX, NULL);
}

/* --- its life, on its node --- */

static long run_keys(void *arg)
{
	keys_end(arg);
	return 0;
}

/* On the private stack, after destructors of thread-local objects. */
static void on_end(void *arg)
{
	struct thread *t = arg;

	if (!t->stack.block)
		return; /* main: it is not freed */
	call_on(t, run_keys, t);
	heap_leave();
	mine = NULL; /* what is freed from here on goes by no cache */
	thread_is_gone();
	__atomic_store_n(&t->done, 1, __ATOMIC_RELEASE);
	dsm_futex_wake(here.dsm, &t->done, UINT32_MAX, NULL);
	thread_let_go(t, THREAD_ENDED);
}

static long run(void *arg)
{
	struct thread *t = arg;

	t->result = t->fn(t->arg);
	return 0;
}

static void tell_started(struct thread *t, uint32_t value)
{
	__atomic_store_n(&t->started, value, __ATOMIC_RELEASE);
	dsm_futex_wake(here.dsm, &t->started, UINT32_MAX, NULL);
}

static void *begin(void *arg)
{
	struct thread *t = arg;

	mine = t;
	t->libc = NEXT(pthread_self)();
	t->tid = gettid();
	NEXT(pthread_setspecific)(end_key, t);
	pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
	tell_started(t, 1);
	call_on(t, run, t);
	return NULL;
}

void thread_begin(struct thread *t)
{
	pthread_attr_t attr;
	pthread_t libc;
	int rc;

	private_depth++; /* what libc allocates for it is of this process */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PRIVATE_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = NEXT(pthread_create)(&libc, &attr, begin, t);
	pthread_attr_destroy(&attr);
	private_depth--;
	if (rc)
		tell_started(t, (uint32_t)-rc);
}

int thread_open(void)
{
	return NEXT(pthread_key_create)(&end_key, on_end);
}
