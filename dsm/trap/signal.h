/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that come as SIGBUS in the faulting thread. One window a process: the handler
 * has no argument, so what it needs is the one global of the trap.
 */
#ifndef TRAP_SIGNAL_H
#define TRAP_SIGNAL_H

#include "dsm/trap/ops.h"

/* Takes SIGBUS for config's region; what was installed before gets all other faults.
 * 0 or -EBUSY: taken already. */
int trap_signal_start(const struct trap_config *config);
/* Puts back what was installed before, unless somebody has replaced ours since. */
void trap_signal_stop(void);

#endif
