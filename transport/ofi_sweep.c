/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removes what a killed node left behind (ofi.h).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/ofi.h"

/* The entry is a thing of this user. */
static int sweep_is_ours(int dir, const char *name, mode_t type)
{
	struct stat st;

	return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && (st.st_mode & S_IFMT) == type &&
	       st.st_uid == geteuid();
}

/* A bell's directory: bell.N and bell.N.s in it, nothing else. */
static int sweep_bell(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "bell.", 5))
			unlinkat(fd, entry->d_name, 0);
	closedir(dir);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

/* Removes from path what begins with prefix: directories are bells. */
static int sweep_dir(const char *path, const char *prefix, mode_t type)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int fd, removed = 0;

	if (!dir)
		return 0;
	fd = dirfd(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) ||
		    !sweep_is_ours(fd, entry->d_name, type))
			continue;
		if (type == S_IFDIR)
			removed += sweep_bell(fd, entry->d_name);
		else
			removed += unlinkat(fd, entry->d_name, 0) == 0;
	}
	closedir(dir);
	return removed;
}

/* The process can still write. One that only waits to be reaped cannot. */
static int sweep_runs(pid_t pid)
{
	char path[40], text[256];
	const char *end;
	ssize_t n;
	int fd;

	if (kill(pid, 0) && errno != EPERM)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	return n > 0 && !(end && (!strncmp(end, ") Z", 3) || !strncmp(end, ") X", 3)));
}

int tr_ofi_sweep(pid_t pid)
{
	char prefix[64];
	int removed;

	if (pid <= 1)
		return -EINVAL;
	if (sweep_runs(pid))
		return -EBUSY;
	/* The shm provider calls its file by the name that it is given, user and endpoint. */
	snprintf(prefix, sizeof(prefix), "%ld.", (long)pid);
	removed = sweep_dir("/dev/shm", prefix, S_IFREG);
	snprintf(prefix, sizeof(prefix), "dsm-bell.%ld.", (long)pid);
	return removed + sweep_dir("/tmp", prefix, S_IFDIR);
}
