/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex(2) of the program on shared memory: std::atomic's wait, std::latch, std::barrier and
 * std::counting_semaphore are made of syscall(SYS_futex), the locks of stdio and of OpenMP of the call
 * itself. Waiting and waking are there, whatever the bits they name.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/threads/sync.h"

#define MS 1000000

/* How long at most, as dsm_futex_wait() has it. */
static int timeout_ms(int op, const struct timespec *t)
{
	struct timespec now;
	int64_t ns;

	if (!t)
		return -1;
	ns = t->tv_sec > INT32_MAX ? INT64_MAX / 2 : (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) { /* a time, and not how long */
		clock_gettime(op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
		ns -= (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	}
	if (ns <= 0)
		return 0;
	return ns / MS >= INT32_MAX ? INT32_MAX : (int)((ns + MS - 1) / MS);
}

long futex_make(const long arg[6])
{
	const uint32_t *word = (const uint32_t *)arg[0];
	const int op = (int)arg[1];
	uint32_t woken;
	int rc;

	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		rc = dsm_futex_wait(here.dsm, word, (uint32_t)arg[2],
		                    timeout_ms(op, (const struct timespec *)arg[3]));
		return rc == DSM_ERR_CHANGED ? -EAGAIN : -sync_error(rc, EBUSY);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		rc = sync_error(dsm_futex_wake(here.dsm, word, (uint32_t)arg[2], &woken), EBUSY);
		return rc ? -rc : (long)woken;
	default:
		threads_say("futex: an operation that is not there for shared memory is refused");
		return -ENOSYS;
	}
}

EXPORT long syscall(long number, ...)
{
	va_list args;
	long a[6], result;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number != SYS_futex || !here.ready || !is_shared((void *)a[0]))
		return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	result = futex_make(a);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}
