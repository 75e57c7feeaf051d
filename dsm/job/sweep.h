/* SPDX-License-Identifier: BSD-2-Clause */
/* What killed nodes leave behind, apart from their job's directory. For those who start
 * nodes. */
#ifndef SWEEP_H
#define SWEEP_H

#include <sys/types.h>

/*
 * Removes what a process that was killed has left in /dev/shm and elsewhere: files that
 * libfabric and our doorbells name after it. Does nothing while it runs. Returns how many
 * were removed, or a negative code.
 */
int job_sweep(pid_t pid);

/* The same for all processes that have joined the job of directory dir. */
int job_sweep_all(const char *dir);

/* The same of all processes of this user that were nodes, of whatever jobs: what nobody uses any
 * more, if it is some seconds old. Returns how many were removed. */
int job_sweep_machine(void);

#endif
