/* SPDX-License-Identifier: BSD-2-Clause */
/* What killed nodes leave behind, apart from their job's directory. For those who start
 * nodes. */
#ifndef SWEEP_H
#define SWEEP_H

#include <sys/types.h>

/*
 * Removes the shared memory files of a process that was killed: of libfabric's shm
 * provider, which makes them in /dev/shm and names them after the process. Does nothing
 * while the process lives. Returns the number of files removed, or a negative code.
 */
int job_sweep(pid_t pid);

/* The same for all processes that have joined the job of directory dir. */
int job_sweep_all(const char *dir);

#endif
