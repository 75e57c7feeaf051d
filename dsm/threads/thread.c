/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_create and its family: what names a thread is the address of its descriptor. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/threads/sync.h"

static int make(const pthread_attr_t *attr, int *detached, struct thread **out)
{
	size_t bytes = stack_usual();
	struct stack stack;

	*detached = PTHREAD_CREATE_JOINABLE;
	if (attr) {
		pthread_attr_getstacksize(attr, &bytes);
		pthread_attr_getdetachstate(attr, detached);
	}
	if (stack_make(bytes + sizeof(struct thread), &stack))
		return EAGAIN;
	*out = thread_make(&stack);
	return 0;
}

/* OpenMP's runtime has pointers into thread-local variables of its threads: these must be of one process. */
static bool is_openmp(const void *caller)
{
	const char *name;
	Dl_info info;

	if (here.size == 1 || !dladdr(caller, &info))
		return false;
	name = strrchr(info.dli_fname, '/');
	name = name ? name + 1 : info.dli_fname;
	return strncmp(name, "libgomp.", 8) == 0 || strncmp(name, "libomp.", 7) == 0 ||
	       strncmp(name, "libiomp5.", 9) == 0;
}

static int place(const void *caller)
{
	static uint32_t said;

	if (!is_openmp(caller))
		return place_next();
	if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
		threads_say("OpenMP's threads stay on the node that makes them");
	return here.rank;
}

EXPORT int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	struct thread *t;
	int detached, rc;

	if (!is_program())
		return NEXT(pthread_create)(out, attr, fn, arg);
	rc = make(attr, &detached, &t);
	if (rc)
		return rc;
	t->fn = fn;
	t->arg = arg;
	t->node = place(__builtin_return_address(0));
	pthread_sigmask(SIG_SETMASK, NULL, &t->mask);
	t->result = PTHREAD_CANCELED; /* until it says something else */
	*out = (pthread_t)t; /* before it runs */
	thread_is_made();
	rc = post_thread(t);
	if (rc) {
		thread_is_gone();
		stack_free(&t->stack);
	} else if (detached == PTHREAD_CREATE_DETACHED) { /* its memory stays until here */
		thread_let_go(t, THREAD_LEFT);
	}
	return rc;
}

static int join(struct thread *t, void **value, uint64_t until_ns)
{
	if (t == mine)
		return EDEADLK;
	if (!flag_wait(&t->done, until_ns))
		return ETIMEDOUT;
	if (value)
		*value = t->result;
	thread_let_go(t, THREAD_LEFT);
	return 0;
}

EXPORT int pthread_join(pthread_t thread, void **value)
{
	struct thread *t = (struct thread *)thread;

	if (!here.ready || !is_shared(t))
		return NEXT(pthread_join)(thread, value);
	return join(t, value, DSM_SYNC_NEVER);
}

EXPORT int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock,
                                const struct timespec *until)
{
	struct thread *t = (struct thread *)thread;
	uint64_t until_ns = DSM_SYNC_NEVER;
	int rc;

	if (!here.ready || !is_shared(t))
		return NEXT(pthread_clockjoin_np)(thread, value, clock, until);
	rc = until ? sync_until(clock, until, &until_ns) : 0;
	return rc ? rc : join(t, value, until_ns);
}

EXPORT int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *until)
{
	return pthread_clockjoin_np(thread, value, CLOCK_REALTIME, until);
}

EXPORT int pthread_tryjoin_np(pthread_t thread, void **value)
{
	struct thread *t = (struct thread *)thread;

	if (!here.ready || !is_shared(t))
		return NEXT(pthread_tryjoin_np)(thread, value);
	return flag_is(&t->done) ? pthread_join(thread, value) : EBUSY;
}

EXPORT int pthread_detach(pthread_t thread)
{
	if (!here.ready || !is_shared((void *)thread))
		return NEXT(pthread_detach)(thread);
	thread_let_go((struct thread *)thread, THREAD_LEFT);
	return 0;
}

EXPORT pthread_t pthread_self(void)
{
	return mine && is_program() ? (pthread_t)mine : NEXT(pthread_self)();
}

/* The threads that have not ended, or more: never fewer, for those that have are counted first. */
static uint32_t count_alive(void)
{
	uint32_t alive = 0;

	for (int node = 0; node < here.size; node++)
		alive -= __atomic_load_n(&here.world->tally[node].ended, __ATOMIC_SEQ_CST);
	for (int node = 0; node < here.size; node++)
		alive += __atomic_load_n(&here.world->tally[node].made, __ATOMIC_SEQ_CST);
	return alive;
}

/* Main's end is not the program's, which is over with its last thread. */
static _Noreturn void outlive(void)
{
	struct world *world = here.world;

	flag_set(&mine->done);
	__atomic_store_n(&world->main_left, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		const uint32_t gone = __atomic_load_n(&world->gone, __ATOMIC_SEQ_CST);

		if (!count_alive())
			exit(0);
		const int rc = dsm_futex_wait(here.dsm, &world->gone, gone, -1);

		if (rc != DSM_ERR_CHANGED)
			threads_check(rc, "pthread_exit of main");
	}
}

EXPORT void pthread_exit(void *value)
{
	if (mine && is_program()) {
		mine->result = value;
		if (mine == here.world->main)
			outlive();
	}
	NEXT(pthread_exit)(value);
	__builtin_unreachable();
}
