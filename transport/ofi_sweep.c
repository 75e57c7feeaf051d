/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removes what a killed node left behind (ofi.h).
 */
#include <ctype.h>
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

/* Reads at least min characters of the class, at most max. Returns where they end, or NULL. */
static const char *sweep_skip(const char *at, int (*is)(int), unsigned min, unsigned max)
{
	unsigned n = 0;

	while (at && n < max && is((unsigned char)at[n]))
		n++;
	return at && n >= min ? at + n : NULL;
}

static const char *sweep_skip_text(const char *at, const char *text)
{
	return at && !strncmp(at, text, strlen(text)) ? at + strlen(text) : NULL;
}

/* A file of the shm provider. It calls an endpoint's by the name that it is given (ofi_shm_name
 * in ofi_provider.c), the user and the endpoint's number in the process, and one for a large
 * message by that and a number. Whatever else begins with a process's number is somebody's. */
static int sweep_is_shm(const char *name, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld.", (long)pid);
	name = sweep_skip(sweep_skip_text(name, text), isxdigit, 8, 8);
	snprintf(text, sizeof(text), ":%d:", (int)getuid());
	name = sweep_skip(sweep_skip_text(name, text), isdigit, 1, 10);
	if (name && *name == '_')
		name = sweep_skip(name + 1, isdigit, 1, 20);
	return name && !*name;
}

/* A doorbell's directory, as mkdtemp made it (ofi_bell.c). */
static int sweep_is_bell(const char *name, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "dsm-bell.%ld.", (long)pid);
	name = sweep_skip(sweep_skip_text(name, text), isalnum, 6, 6);
	return name && !*name;
}

/* What a doorbell has in its directory: bell.RANK and bell.RANK.s. */
static int sweep_is_in_bell(const char *name)
{
	name = sweep_skip(sweep_skip_text(name, "bell."), isdigit, 1, 5);
	return name && (!*name || !strcmp(name, ".s"));
}

/* Stays where anything else is in it. */
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
		if (sweep_is_in_bell(entry->d_name))
			unlinkat(fd, entry->d_name, 0);
	closedir(dir);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

/* Removes from path what by its name is the process's: directories are bells. */
static int sweep_dir(const char *path, int (*is)(const char *, pid_t), pid_t pid, mode_t type)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int fd, removed = 0;

	if (!dir)
		return 0;
	fd = dirfd(dir);
	while ((entry = readdir(dir))) {
		if (!is(entry->d_name, pid) || !sweep_is_ours(fd, entry->d_name, type))
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
	if (pid <= 1)
		return -EINVAL;
	if (sweep_runs(pid))
		return -EBUSY;
	return sweep_dir("/dev/shm", sweep_is_shm, pid, S_IFREG) +
	       sweep_dir("/tmp", sweep_is_bell, pid, S_IFDIR);
}
