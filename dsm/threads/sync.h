/* SPDX-License-Identifier: BSD-2-Clause */
/* What the objects of pthreads have in common: those in shared memory are of dsm_sync.h, the others
 * libc's. */
#ifndef THREADS_SYNC_H
#define THREADS_SYNC_H

#include <time.h>

#include "dsm/threads/threads.h"

static inline bool sync_is_shared(const void *object)
{
	return here.ready && is_shared(object);
}

/* What pthreads says for a code; busy: for DSM_ERR_BUSY. Ends the process when the job is over. */
int sync_error(int rc, int busy);
/* A time of that clock in nanoseconds of CLOCK_MONOTONIC, as dsm_sync.h has it. 0 or EINVAL. */
int sync_until(clockid_t clock, const struct timespec *until, uint64_t *until_ns);
/* From now until then, in what dsm_futex_wait() takes. */
int sync_timeout_ms(uint64_t until_ns);
/* The object in a mutex. */
struct dsm_sync_mutex *sync_mutex(pthread_mutex_t *mutex);

#endif
