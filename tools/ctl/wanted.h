/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl checkpoint JOB DIR */
#ifndef WANTED_H
#define WANTED_H

struct ctl_command;

/* argv[optind] is the job, and the directory behind it. Waits until the job has saved itself there, or its program has not
 * called dsm_checkpoint_wanted() for so long. packed: it is to be compressed. The exit status. */
int wanted_checkpoint(const struct ctl_command *command, char **argv, double seconds, int packed);

#endif
