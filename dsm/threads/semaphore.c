/* SPDX-License-Identifier: BSD-2-Clause */
/* sem_*, of those without a name. */
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <string.h>

#include "dsm/threads/sync.h"

_Static_assert(sizeof(struct dsm_sync_sem) <= sizeof(sem_t), "room");

static struct dsm_sync_sem *of(sem_t *s)
{
	return (struct dsm_sync_sem *)s;
}

/* -1 and errno, as semaphores tell errors. */
static int told(int error)
{
	if (error)
		errno = error;
	return error ? -1 : 0;
}

EXPORT int sem_init(sem_t *s, int pshared, unsigned value)
{
	if (!sync_is_shared(s))
		return NEXT(sem_init)(s, pshared, value);
	if (value > SEM_VALUE_MAX)
		return told(EINVAL);
	memset(s, 0, sizeof *s);
	of(s)->word = value;
	return 0;
}

EXPORT int sem_destroy(sem_t *s)
{
	return sync_is_shared(s) ? 0 : NEXT(sem_destroy)(s);
}

EXPORT int sem_wait(sem_t *s)
{
	return sync_is_shared(s) ? told(sync_error(dsm_sync_sem_wait(here.dsm, of(s)), EAGAIN))
	                         : NEXT(sem_wait)(s);
}

EXPORT int sem_trywait(sem_t *s)
{
	return sync_is_shared(s) ? told(sync_error(dsm_sync_sem_trywait(here.dsm, of(s)), EAGAIN))
	                         : NEXT(sem_trywait)(s);
}

EXPORT int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
	uint64_t until_ns;
	int rc;

	if (!sync_is_shared(s))
		return NEXT(sem_clockwait)(s, clock, until);
	rc = sync_until(clock, until, &until_ns);
	return told(rc ? rc
	               : sync_error(dsm_sync_sem_timedwait(here.dsm, of(s), until_ns), EAGAIN));
}

EXPORT int sem_timedwait(sem_t *s, const struct timespec *until)
{
	return sem_clockwait(s, CLOCK_REALTIME, until);
}

EXPORT int sem_post(sem_t *s)
{
	return sync_is_shared(s) ? told(sync_error(dsm_sync_sem_post(here.dsm, of(s)), EAGAIN))
	                         : NEXT(sem_post)(s);
}

EXPORT int sem_getvalue(sem_t *s, int *value)
{
	uint32_t left = 0;
	int rc;

	if (!sync_is_shared(s))
		return NEXT(sem_getvalue)(s, value);
	rc = sync_error(dsm_sync_sem_value(here.dsm, of(s), &left), EAGAIN);
	*value = (int)left;
	return told(rc);
}
