/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that tests run as jobs of their own, on node 0's machine, while all nodes wait. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <limits.h>
#include <stdio.h>

#define PROGRAM_MAX (2 * PATH_MAX)

/* Where a program of ours is that is not for users, and where dsmctl is; both in quotes, for the
 * shell. */
void program_path(char out[PROGRAM_MAX], const char *name);
void program_dsmctl(char out[PROGRAM_MAX]);
/* A line of the shell: that program as a job, with options of dsmctl run and what this job has, too. */
void program_job(char *out, size_t room, const char *options, const char *name, const char *arguments);
/* Starts a line of the shell, for pclose(): what it is told of a job must be of its own, not of ours.
 * What it prints is read from there. */
FILE *program_begin(const char *line);

#endif
