/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock, and the calling thread. */
#include "dsm/base/clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

void clock_nap(long ns)
{
	const struct timespec t = {.tv_nsec = ns};

	syscall(SYS_nanosleep, &t, NULL);
}

uint32_t clock_thread(void)
{
	static __thread uint32_t id;

	if (!id)
		id = (uint32_t)syscall(SYS_gettid);
	return id;
}
