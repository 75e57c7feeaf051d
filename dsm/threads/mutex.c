/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_mutex_*: a mutex in shared memory is one of dsm_sync.h, in the first of its bytes; what kind
 * it is stands where libc's initialisers put it. */
#include <errno.h>
#include <string.h>

#include "dsm/threads/sync.h"

_Static_assert(sizeof(struct dsm_sync_mutex) <= offsetof(pthread_mutex_t, __data.__kind), "room");

struct dsm_sync_mutex *sync_mutex(pthread_mutex_t *m)
{
	struct dsm_sync_mutex *s = (struct dsm_sync_mutex *)m;
	const int kind = m->__data.__kind & 3;
	const uint32_t want = kind == PTHREAD_MUTEX_RECURSIVE    ? DSM_SYNC_RECURSIVE
	                      : kind == PTHREAD_MUTEX_ERRORCHECK ? DSM_SYNC_CHECKED
	                                                         : DSM_SYNC_PLAIN;

	/* Of those with an initialiser nobody has said so before the first use; all say the same. */
	if (__atomic_load_n(&s->kind, __ATOMIC_RELAXED) != want)
		__atomic_store_n(&s->kind, want, __ATOMIC_RELAXED);
	return s;
}

EXPORT int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
	int kind = PTHREAD_MUTEX_DEFAULT, robust = PTHREAD_MUTEX_STALLED, protocol = PTHREAD_PRIO_NONE;

	if (!sync_is_shared(m))
		return NEXT(pthread_mutex_init)(m, attr);
	if (attr) {
		pthread_mutexattr_gettype(attr, &kind);
		pthread_mutexattr_getrobust(attr, &robust);
		pthread_mutexattr_getprotocol(attr, &protocol);
	}
	if (robust != PTHREAD_MUTEX_STALLED || protocol != PTHREAD_PRIO_NONE)
		return ENOTSUP;
	memset(m, 0, sizeof *m);
	m->__data.__kind = kind;
	return 0;
}

EXPORT int pthread_mutex_destroy(pthread_mutex_t *m)
{
	return sync_is_shared(m) ? 0 : NEXT(pthread_mutex_destroy)(m);
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *m)
{
	if (!sync_is_shared(m))
		return NEXT(pthread_mutex_lock)(m);
	return sync_error(dsm_sync_mutex_lock(here.dsm, sync_mutex(m)), EDEADLK);
}

EXPORT int pthread_mutex_trylock(pthread_mutex_t *m)
{
	if (!sync_is_shared(m))
		return NEXT(pthread_mutex_trylock)(m);
	return sync_error(dsm_sync_mutex_trylock(here.dsm, sync_mutex(m)), EBUSY);
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
	return pthread_mutex_clocklock(m, CLOCK_REALTIME, until);
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
	uint64_t until_ns;
	int rc;

	if (!sync_is_shared(m))
		return NEXT(pthread_mutex_clocklock)(m, clock, until);
	rc = sync_until(clock, until, &until_ns);
	return rc ? rc
	          : sync_error(dsm_sync_mutex_timedlock(here.dsm, sync_mutex(m), until_ns), EDEADLK);
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *m)
{
	if (!sync_is_shared(m))
		return NEXT(pthread_mutex_unlock)(m);
	return sync_error(dsm_sync_mutex_unlock(here.dsm, sync_mutex(m)), EPERM);
}
