/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_barrier_* and pthread_once. */
#include <errno.h>
#include <string.h>

#include "dsm/threads/sync.h"

_Static_assert(sizeof(struct dsm_sync_barrier) <= sizeof(pthread_barrier_t), "room");
_Static_assert(sizeof(struct dsm_sync_once) <= sizeof(pthread_once_t), "room");

EXPORT int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned n)
{
	if (!sync_is_shared(b))
		return NEXT(pthread_barrier_init)(b, attr, n);
	if (n == 0)
		return EINVAL;
	memset(b, 0, sizeof *b);
	((struct dsm_sync_barrier *)b)->threads = n;
	return 0;
}

EXPORT int pthread_barrier_destroy(pthread_barrier_t *b)
{
	return sync_is_shared(b) ? 0 : NEXT(pthread_barrier_destroy)(b);
}

EXPORT int pthread_barrier_wait(pthread_barrier_t *b)
{
	int rc;

	if (!sync_is_shared(b))
		return NEXT(pthread_barrier_wait)(b);
	rc = dsm_sync_barrier_wait(here.dsm, (struct dsm_sync_barrier *)b);
	return rc == DSM_SYNC_LAST ? PTHREAD_BARRIER_SERIAL_THREAD : sync_error(rc, EBUSY);
}

static void call(void *arg)
{
	((void (*)(void))arg)();
}

EXPORT int pthread_once(pthread_once_t *once, void (*fn)(void))
{
	if (!sync_is_shared(once))
		return NEXT(pthread_once)(once, fn);
	return sync_error(dsm_sync_once_call(here.dsm, (struct dsm_sync_once *)once, call, fn), EBUSY);
}
