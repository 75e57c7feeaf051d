/* SPDX-License-Identifier: BSD-2-Clause */
/* The jobs of this user: directories in that of jobroot.h. */
#ifndef JOBS_H
#define JOBS_H

#include "dsm/job/job.h"

enum job_state { JOB_RUNNING, JOB_STARTING, JOB_DEAD };

struct job_entry {
	char dir[BOOT_DIR_MAX + 1];
	enum job_state state;
};

struct job_list {
	struct job_entry *jobs;
	size_t count;
};

struct ctl_command;
struct rendezvous;

/* Opens a rendezvous in a new directory, whose path goes to dir. label: part of the job's
 * name, for people. 0, or CTL_FAILED when the reason has been told. */
int jobs_create(const char *label, int nodes, char dir[BOOT_DIR_MAX + 1], struct rendezvous **out);

/* Finds all jobs, or the one that is named (NULL: all), by name or directory. 0, or
 * CTL_FAILED when the reason has been told. An empty list is no error. */
int jobs_find(const char *which, struct job_list *out);
/* Finds the job that is the rest of a command's arguments, one at most, or all if there is
 * none. 0 or the exit status. */
int jobs_of_args(const struct ctl_command *command, int argc, char **argv, struct job_list *out);
/* The same, for a command that is about one running job: the only one, or the one that is named. */
int jobs_one_of_args(const struct ctl_command *command, int argc, char **argv,
                     char dir[BOOT_DIR_MAX + 1]);
void jobs_free(struct job_list *list);

/* The name in a job's directory's path. */
const char *job_name(const char *dir);

#endif
