/* SPDX-License-Identifier: BSD-2-Clause */
/* Codes and times. */
#include "dsm/threads/sync.h"

#include <errno.h>

int sync_error(int rc, int busy)
{
	switch (rc) {
	case 0: return 0;
	case DSM_ERR_BUSY: return busy;
	case DSM_ERR_PERM: return EPERM;
	case DSM_ERR_TIMEDOUT: return ETIMEDOUT;
	case DSM_ERR_NOMEM: return EAGAIN;
	case DSM_ERR_INVAL: return EINVAL;
	default: threads_die("a wait cannot go on: %s", dsm_strerror(rc));
	}
}

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int sync_until(clockid_t clock, const struct timespec *until, uint64_t *until_ns)
{
	struct timespec now, monotonic;
	int64_t left;

	if (until->tv_nsec < 0 || until->tv_nsec >= 1000000000 ||
	    (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
		return EINVAL;
	if (until->tv_sec > INT64_MAX / 2000000000) {
		*until_ns = DSM_SYNC_NEVER;
		return 0;
	}
	clock_gettime(clock, &now);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	left = ns_of(until) - ns_of(&now);
	*until_ns = left > 0 ? (uint64_t)(ns_of(&monotonic) + left) : (uint64_t)ns_of(&monotonic);
	return 0;
}

int sync_timeout_ms(uint64_t until_ns)
{
	struct timespec now;
	uint64_t left_ms;

	if (until_ns == DSM_SYNC_NEVER)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (until_ns <= (uint64_t)ns_of(&now))
		return 0;
	left_ms = (until_ns - (uint64_t)ns_of(&now) + 999999) / 1000000;
	return left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
}
