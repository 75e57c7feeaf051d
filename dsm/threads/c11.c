/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads of C11, which libc makes of its pthreads without a call that ours could stand before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "dsm/threads/sync.h"

static int status_of(int error)
{
	switch (error) {
	case 0: return thrd_success;
	case EBUSY: return thrd_busy;
	case ETIMEDOUT: return thrd_timedout;
	case ENOMEM: case EAGAIN: return thrd_nomem;
	default: return thrd_error;
	}
}

/* --- threads --- */

struct start {
	thrd_start_t fn;
	void *arg;
};

static void *begin(void *arg)
{
	const struct start start = *(struct start *)arg;

	free(arg);
	return (void *)(intptr_t)start.fn(start.arg);
}

EXPORT int thrd_create(thrd_t *out, thrd_start_t fn, void *arg)
{
	struct start *start = malloc(sizeof *start);
	int rc;

	if (!start)
		return thrd_nomem;
	*start = (struct start){ fn, arg };
	rc = pthread_create(out, NULL, begin, start);
	if (rc)
		free(start);
	return status_of(rc);
}

EXPORT int thrd_join(thrd_t thread, int *result)
{
	void *value = NULL;
	const int rc = pthread_join(thread, &value);

	if (rc == 0 && result)
		*result = (int)(intptr_t)value;
	return status_of(rc);
}

EXPORT int thrd_detach(thrd_t thread)
{
	return status_of(pthread_detach(thread));
}

EXPORT thrd_t thrd_current(void)
{
	return pthread_self();
}

EXPORT void thrd_exit(int result)
{
	pthread_exit((void *)(intptr_t)result);
}

/* --- mutexes, conditions, and what happens once --- */

EXPORT int mtx_init(mtx_t *m, int type)
{
	memset(m, 0, sizeof(pthread_mutex_t));
	((pthread_mutex_t *)m)->__data.__kind = type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE
	                                                             : PTHREAD_MUTEX_NORMAL;
	return thrd_success;
}

EXPORT void mtx_destroy(mtx_t *m)
{
	pthread_mutex_destroy((pthread_mutex_t *)m);
}

EXPORT int mtx_lock(mtx_t *m)
{
	return status_of(pthread_mutex_lock((pthread_mutex_t *)m));
}

EXPORT int mtx_trylock(mtx_t *m)
{
	return status_of(pthread_mutex_trylock((pthread_mutex_t *)m));
}

EXPORT int mtx_timedlock(mtx_t *m, const struct timespec *until)
{
	return status_of(pthread_mutex_timedlock((pthread_mutex_t *)m, until));
}

EXPORT int mtx_unlock(mtx_t *m)
{
	return status_of(pthread_mutex_unlock((pthread_mutex_t *)m));
}

EXPORT int cnd_init(cnd_t *c)
{
	return status_of(pthread_cond_init((pthread_cond_t *)c, NULL));
}

EXPORT void cnd_destroy(cnd_t *c)
{
	pthread_cond_destroy((pthread_cond_t *)c);
}

EXPORT int cnd_signal(cnd_t *c)
{
	return status_of(pthread_cond_signal((pthread_cond_t *)c));
}

EXPORT int cnd_broadcast(cnd_t *c)
{
	return status_of(pthread_cond_broadcast((pthread_cond_t *)c));
}

EXPORT int cnd_wait(cnd_t *c, mtx_t *m)
{
	return status_of(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

EXPORT int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
	return status_of(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

EXPORT void call_once(once_flag *once, void (*fn)(void))
{
	pthread_once((pthread_once_t *)once, fn);
}

/* --- keys --- */

EXPORT int tss_create(tss_t *key, tss_dtor_t destructor)
{
	return status_of(pthread_key_create(key, destructor));
}

EXPORT void tss_delete(tss_t key)
{
	pthread_key_delete(key);
}

EXPORT void *tss_get(tss_t key)
{
	return pthread_getspecific(key);
}

EXPORT int tss_set(tss_t key, void *value)
{
	return status_of(pthread_setspecific(key, value));
}
