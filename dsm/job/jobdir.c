/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, checking and removing the directory of a job. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/job/jobdir.h"

#define DEPTH_MAX 4 /* we make no directories in it; an application may have */

int jobdir_make(const char *dir)
{
	return mkdir(dir, 0700) ? -errno : 0;
}

int jobdir_open(const char *dir)
{
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 022)) {
		close(fd);
		return -EACCES;
	}
	return fd;
}

/* Takes fd over. What cannot be removed shows in the caller's rmdir. */
static void remove_inside(int fd, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int sub;

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) == 0 || depth == DEPTH_MAX)
			continue;
		sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			continue;
		remove_inside(sub, depth + 1);
		unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

int jobdir_remove(const char *dir)
{
	int fd = jobdir_open(dir);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	remove_inside(fd, 0);
	return rmdir(dir) && errno != ENOENT ? -errno : 0;
}
