/* SPDX-License-Identifier: BSD-2-Clause */
/* What time it is, and which thread asks. Any thread, also in a signal handler. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC. */
uint64_t clock_now_ns(void);
/* The earlier of two times. */
static inline uint64_t clock_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
/* Sleeps for about so long, below a second, or until a signal. No point of cancellation: one waits at its
 * end for the signal by which glibc cancels, which the caller may have blocked. */
void clock_nap(long ns);
/* The kernel's id of the calling thread. */
uint32_t clock_thread(void);

#endif
