/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that are about to end. The kernel takes a dead process apart piece by piece: its memory
 * first, then its descriptors one after the other; at last its parent is told. With much memory that
 * takes a second, in which others see a part of it gone, and the rest as if it were alive.
 */
#ifndef BASE_ENDING_H
#define BASE_ENDING_H

#include <sys/types.h>

/* Whether it has begun to end, or has ended. */
int process_is_ending(pid_t pid);
/* Whether it is, and by a signal. */
int process_is_dying(pid_t pid);

#endif
