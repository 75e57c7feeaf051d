/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way into a public call.
 *
 * Cancellation is held off until its end.
 *
 * A caller whose stack lies in the region could fault under the lock: the call begins again, on a
 * stack of the library's own. Whatever it was given that is in the region, too, it may touch
 * without the lock.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdint.h>

#include "dsm/base/base.h"

struct dsm;

/* The first line of a call that takes the lock: its name and its arguments, the node first. */
#define NODE_ENTRY(call, ...)                                                              \
	if (entry_in_window(ENTRY_FIRST(__VA_ARGS__, 0), __builtin_frame_address(0)))      \
		return entry_elsewhere(ENTRY_FIRST(__VA_ARGS__, 0), (void (*)(void))(call), \
		                       ENTRY_WORDS(__VA_ARGS__, 0, 0, 0, 0, 0, 0));        \
	CANCEL_OFF

#define ENTRY_FIRST(first, ...) (first)
#define ENTRY_WORDS(a, b, c, d, e, f, ...)                                               \
	(const uint64_t[STACK_WORDS]){(uint64_t)(a), (uint64_t)(b), (uint64_t)(c),       \
	                              (uint64_t)(d), (uint64_t)(e), (uint64_t)(f)}

/* Whether this address is in the region. */
int entry_in_window(const struct dsm *d, const void *at);
/* DSM_ERR_NOMEM: there is no memory for a stack; or what the call returns. */
int entry_elsewhere(struct dsm *d, void (*call)(void), const uint64_t word[STACK_WORDS]);

#endif
