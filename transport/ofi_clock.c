/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of what the transport does now and then. */
#include <time.h>

#include "transport/ofi_impl.h"

int64_t ofi_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}
