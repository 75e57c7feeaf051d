/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_create and its family: what names a thread is the address of its descriptor. */
#include <errno.h>

#include "dsm/threads/threads.h"

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
	t->node = place_next();
	t->result = PTHREAD_CANCELED; /* until it says something else */
	*out = (pthread_t)t; /* before it runs */
	rc = post_thread(t);
	if (rc) {
		stack_free(&t->stack);
	} else if (detached == PTHREAD_CREATE_DETACHED) { /* its memory stays until here */
		thread_let_go(t, THREAD_LEFT);
	}
	return rc;
}

EXPORT int pthread_join(pthread_t thread, void **value)
{
	struct thread *t = (struct thread *)thread;

	if (!here.ready || !is_shared(t))
		return NEXT(pthread_join)(thread, value);
	if (t == mine)
		return EDEADLK;
	while (!__atomic_load_n(&t->done, __ATOMIC_ACQUIRE)) {
		const int rc = dsm_futex_wait(here.dsm, &t->done, 0, -1);

		if (rc != DSM_ERR_CHANGED)
			threads_check(rc, "pthread_join");
	}
	if (value)
		*value = t->result;
	thread_let_go(t, THREAD_LEFT);
	return 0;
}

EXPORT int pthread_tryjoin_np(pthread_t thread, void **value)
{
	struct thread *t = (struct thread *)thread;

	if (!here.ready || !is_shared(t))
		return NEXT(pthread_tryjoin_np)(thread, value);
	return __atomic_load_n(&t->done, __ATOMIC_ACQUIRE) ? pthread_join(thread, value) : EBUSY;
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

EXPORT void pthread_exit(void *value)
{
	if (mine && is_program())
		mine->result = value;
	NEXT(pthread_exit)(value);
	__builtin_unreachable();
}
