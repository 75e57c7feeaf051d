/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removes what killed nodes left behind (ofi.h): of a process that is known, or all that is there.
 *
 * That a process of its number runs does not tell that something is in use: the number may be
 * another's now, or the node has become another program by exec; and that none does not tell the
 * contrary, for it may run in another container. So it is asked whether anybody uses the thing.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "transport/ofi.h"

#define SWEEP_ANY 0 /* whatever process it was of */

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

/* The number of a process, this one or any, between two texts. */
static const char *sweep_skip_pid(const char *at, const char *before, pid_t pid)
{
	char text[32];

	at = sweep_skip_text(at, before);
	if (pid == SWEEP_ANY)
		return sweep_skip_text(sweep_skip(at, isdigit, 1, 10), ".");
	snprintf(text, sizeof(text), "%ld.", (long)pid);
	return sweep_skip_text(at, text);
}

/* A file of the shm provider. It calls an endpoint's by the name that it is given (ofi_shm_name
 * in ofi_provider.c), the user and the endpoint's number in the process, and one for a large
 * message by that and a number. Whatever else begins with a process's number is somebody's. */
static int sweep_is_shm(const char *name, pid_t pid)
{
	char text[32];

	name = sweep_skip(sweep_skip_pid(name, "", pid), isxdigit, 8, 8);
	snprintf(text, sizeof(text), ":%d:", (int)getuid());
	name = sweep_skip(sweep_skip_text(name, text), isdigit, 1, 10);
	if (name && *name == '_')
		name = sweep_skip(name + 1, isdigit, 1, 20);
	return name && !*name;
}

/* A doorbell's directory, as mkdtemp made it (ofi_bell.c). */
static int sweep_is_bell(const char *name, pid_t pid)
{
	name = sweep_skip(sweep_skip_pid(name, "dsm-bell.", pid), isalnum, 6, 6);
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

/* Nobody has the file open, or mapped, to write to it: the kernel grants a lease only then. It may
 * be a file of others here, and they not be seen otherwise. */
static int sweep_is_unused(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), unused;
	struct statfs fs;

	if (fd < 0)
		return 0;
	/* Where files lie on others, as in overlayfs, it would not see mappings. Should somebody
	 * open it just then, we get the signal: one that is ignored by default. */
	unused = !fstatfs(fd, &fs) && fs.f_type == TMPFS_MAGIC && !fcntl(fd, F_SETSIG, SIGURG) &&
	         !fcntl(fd, F_SETLEASE, F_RDLCK);
	close(fd);
	return unused;
}

/* Somebody listens at the socket. */
static int sweep_listens(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, refused;

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >= (int)sizeof(to.sun_path))
		return 1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 1;
	refused = connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno == ECONNREFUSED;
	close(fd);
	return !refused;
}

/* Nobody listens at a doorbell. */
static int sweep_is_dead_bell(const char *parent, const char *name)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int used = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", parent, name);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!used && (entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');

		if (!sweep_is_in_bell(entry->d_name) || strcmp(end, ".s"))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", parent, name, entry->d_name);
		used = sweep_listens(path);
	}
	closedir(dir);
	return !used;
}

static int sweep_is_left(const char *path, int dir, const char *name, mode_t type, unsigned age_s)
{
	struct stat st;

	/* It may be being made. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || time(NULL) - st.st_mtime < age_s)
		return 0;
	return type == S_IFDIR ? sweep_is_dead_bell(path, name) : sweep_is_unused(dir, name);
}

/* Removes from path what by its name is the process's, or of SWEEP_ANY what is not in use and so
 * old: directories are bells. */
static int sweep_dir(const char *path, int (*is)(const char *, pid_t), pid_t pid, mode_t type,
                     unsigned age_s)
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
		if (pid == SWEEP_ANY && !sweep_is_left(path, fd, entry->d_name, type, age_s))
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

static int sweep_machine(pid_t pid, unsigned age_s)
{
	return sweep_dir("/dev/shm", sweep_is_shm, pid, S_IFREG, age_s) +
	       sweep_dir("/tmp", sweep_is_bell, pid, S_IFDIR, age_s);
}

int tr_ofi_sweep(pid_t pid)
{
	if (pid <= 1)
		return -EINVAL;
	return sweep_runs(pid) ? -EBUSY : sweep_machine(pid, 0);
}

int tr_ofi_sweep_all(unsigned age_s)
{
	return sweep_machine(SWEEP_ANY, age_s);
}
