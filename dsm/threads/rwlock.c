/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_rwlock_*. A reader that locks again while a writer waits, waits for itself. */
#include <errno.h>
#include <string.h>

#include "dsm/threads/sync.h"

_Static_assert(sizeof(struct dsm_sync_rwlock) <= sizeof(pthread_rwlock_t), "room");

static struct dsm_sync_rwlock *of(pthread_rwlock_t *l)
{
	return (struct dsm_sync_rwlock *)l;
}

EXPORT int pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr)
{
	if (!sync_is_shared(l))
		return NEXT(pthread_rwlock_init)(l, attr);
	memset(l, 0, sizeof *l);
	return 0;
}

EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
	return sync_is_shared(l) ? 0 : NEXT(pthread_rwlock_destroy)(l);
}

#define PLAIN(name, ours, busy)                                            \
	EXPORT int name(pthread_rwlock_t *l)                               \
	{                                                                  \
		return sync_is_shared(l) ? sync_error(ours(here.dsm, of(l)), busy) \
		                         : NEXT(name)(l);                  \
	}
PLAIN(pthread_rwlock_rdlock, dsm_sync_rwlock_rdlock, EDEADLK)
PLAIN(pthread_rwlock_tryrdlock, dsm_sync_rwlock_tryrdlock, EBUSY)
PLAIN(pthread_rwlock_wrlock, dsm_sync_rwlock_wrlock, EDEADLK)
PLAIN(pthread_rwlock_trywrlock, dsm_sync_rwlock_trywrlock, EBUSY)
PLAIN(pthread_rwlock_unlock, dsm_sync_rwlock_unlock, EPERM)

#define TIMED(name, clocked, ours)                                                         \
	EXPORT int clocked(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until) \
	{                                                                                  \
		uint64_t until_ns;                                                         \
		int rc;                                                                    \
                                                                                           \
		if (!sync_is_shared(l))                                                    \
			return NEXT(clocked)(l, clock, until);                             \
		rc = sync_until(clock, until, &until_ns);                                  \
		return rc ? rc : sync_error(ours(here.dsm, of(l), until_ns), EDEADLK);     \
	}                                                                                  \
	EXPORT int name(pthread_rwlock_t *l, const struct timespec *until)                 \
	{                                                                                  \
		return clocked(l, CLOCK_REALTIME, until);                                  \
	}
TIMED(pthread_rwlock_timedrdlock, pthread_rwlock_clockrdlock, dsm_sync_rwlock_timedrdlock)
TIMED(pthread_rwlock_timedwrlock, pthread_rwlock_clockwrlock, dsm_sync_rwlock_timedwrlock)
