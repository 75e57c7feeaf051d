/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ranks have left running. As their subreaper we have inherited it, and the keeper,
 * who is spared. */
#ifndef LEFTOVERS_H
#define LEFTOVERS_H

#include <sys/types.h>

/* Kills it. Returns how many processes there are. */
int leftovers_kill(pid_t keeper);
/* Reaps what has been killed, for a bounded time. */
void leftovers_reap(pid_t keeper);

#endif
