/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_cond_*: the clock of one in shared memory stands behind the object of dsm_sync.h. */
#include <errno.h>
#include <string.h>

#include "dsm/threads/sync.h"

struct cond {
	struct dsm_sync_cond cond;
	int32_t clock; /* 0: CLOCK_REALTIME, what initialisers say */
};
_Static_assert(sizeof(struct cond) <= sizeof(pthread_cond_t) && CLOCK_REALTIME == 0, "room");

static struct cond *cond_of(pthread_cond_t *c)
{
	return (struct cond *)c;
}

EXPORT int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr)
{
	clockid_t clock = CLOCK_REALTIME;

	if (!sync_is_shared(c))
		return NEXT(pthread_cond_init)(c, attr);
	if (attr)
		pthread_condattr_getclock(attr, &clock);
	memset(c, 0, sizeof *c);
	cond_of(c)->clock = clock;
	return 0;
}

EXPORT int pthread_cond_destroy(pthread_cond_t *c)
{
	return sync_is_shared(c) ? 0 : NEXT(pthread_cond_destroy)(c);
}

EXPORT int pthread_cond_signal(pthread_cond_t *c)
{
	if (!sync_is_shared(c))
		return NEXT(pthread_cond_signal)(c);
	return sync_error(dsm_sync_cond_signal(here.dsm, &cond_of(c)->cond), EBUSY);
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *c)
{
	if (!sync_is_shared(c))
		return NEXT(pthread_cond_broadcast)(c);
	return sync_error(dsm_sync_cond_broadcast(here.dsm, &cond_of(c)->cond), EBUSY);
}

EXPORT int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	if (!sync_is_shared(c))
		return NEXT(pthread_cond_wait)(c, m);
	return sync_error(dsm_sync_cond_wait(here.dsm, &cond_of(c)->cond, sync_mutex(m)), EBUSY);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                                  const struct timespec *until)
{
	uint64_t until_ns;
	int rc;

	if (!sync_is_shared(c))
		return NEXT(pthread_cond_clockwait)(c, m, clock, until);
	rc = sync_until(clock, until, &until_ns);
	return rc ? rc
	          : sync_error(dsm_sync_cond_timedwait(here.dsm, &cond_of(c)->cond, sync_mutex(m),
	                                               until_ns),
	                       EBUSY);
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	if (!sync_is_shared(c))
		return NEXT(pthread_cond_timedwait)(c, m, until);
	return pthread_cond_clockwait(c, m, cond_of(c)->clock, until);
}
