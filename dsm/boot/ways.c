/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock, waiting, and a sentence, for all ways of starting. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#include "dsm/base/base.h"
#include "dsm/boot/ways.h"

int64_t boot_now_ms(void)
{
	return (int64_t)(clock_now_ns() / 1000000);
}

int boot_wait(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline - boot_now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n ? 0 : -ETIMEDOUT;
}

int boot_turn(pthread_mutex_t *lock, int wait)
{
	return (wait ? pthread_mutex_lock(lock) : pthread_mutex_trylock(lock)) == 0;
}

int boot_why(char *why, size_t why_len, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (why_len)
		vsnprintf(why, why_len, format, args);
	va_end(args);
	return code;
}
