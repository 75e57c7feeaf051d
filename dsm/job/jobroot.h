/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the jobs of this user are: <root>/<name>, root being a directory of the user's in
 * $XDG_RUNTIME_DIR, where that is the user's own, or else in $TMPDIR or /tmp: dsm-UID, or the first
 * of its other names that nobody else has taken.
 */
#ifndef JOBROOT_H
#define JOBROOT_H

#include "dsm/job/bootmsg.h"

#define JOB_NAME_MAX 31
#define JOB_LABEL_MAX 15
#define JOBROOT_NAMES 4 /* in one place; 10 at most */
#define JOBROOT_MAX (BOOT_DIR_MAX - 1 - JOB_NAME_MAX)

/* Root number i, or 0 when there is none (any more). */
int jobroot_path(int i, char root[JOBROOT_MAX + 1]);

/* Makes the first root that can be ours unless it is there, and puts its path into root. 0; -ENOENT
 * when the last job has just taken it away. Where there is none, the path of the first, and -EACCES
 * when that is somebody else's or others can write to it, or another code. */
int jobroot_make(char root[JOBROOT_MAX + 1]);

/* Removes the directory around a job's, which is gone, unless other jobs are in it. */
void jobroot_leave(const char *dir);

/* What can be part of a job's name, of a text for people. */
void jobroot_label(const char *text, char label[JOB_LABEL_MAX + 1]);

#endif
