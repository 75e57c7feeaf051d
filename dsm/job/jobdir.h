/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Job directories: private to their user, one per running job, gone with it. Made by the
 * starter, found by those who look for jobs.
 */
#ifndef JOBDIR_H
#define JOBDIR_H

#include <stddef.h>

/* Makes dir with mode 0700. -EEXIST and the other codes of mkdir(2). */
int jobdir_make(const char *dir);

/*
 * Opens dir, which must be a directory (no symbolic link) of our own user that others
 * cannot write to. Returns a descriptor, or -ENOENT, -ENOTDIR, -EACCES (another user's,
 * or open to others) and so on.
 */
int jobdir_open(const char *dir);

/* Removes dir and all that is in it. 0 when it is gone. Does not follow links. */
int jobdir_remove(const char *dir);

#endif
