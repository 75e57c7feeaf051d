/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper: a process of dsmctl run that does nothing but outlive it. When dsmctl is
 * killed, it ends the ranks with all their children, and removes what the job has left.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <sys/types.h>

struct keeper;

/* To be called before any rank is started. 0 or a negative code. */
int keeper_open(const char *job_dir, int nodes, struct keeper **out);
/* Tells it of a rank's process group; 0 when that is no more. */
void keeper_note(struct keeper *k, int rank, pid_t group);
pid_t keeper_pid(const struct keeper *k);
/* Sends it home: the job has been cleared up. NULL is allowed. */
void keeper_close(struct keeper *k);

#endif
