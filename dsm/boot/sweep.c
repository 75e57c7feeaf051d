/* SPDX-License-Identifier: BSD-2-Clause */
/* Removes what killed nodes leave in /dev/shm. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/boot/bootmsg.h"
#include "dsm/boot/jobdir.h"
#include "dsm/boot/sweep.h"

#define SHM_DIR "/dev/shm"
#define PIDS_MAX_BYTES (1 << 20)

/* A process that waits to be reaped is dead already. */
static int process_lives(pid_t pid)
{
	char path[40], text[256];
	const char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0; /* gone between open and read */
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	return !end || (strncmp(end, ") Z", 3) != 0 && strncmp(end, ") X", 3) != 0);
}

/* The shm provider's names are "PID:domain:endpoint", with more behind for its large
 * messages. */
static int is_name_of(const char *name, pid_t pid)
{
	char prefix[16];
	int n = snprintf(prefix, sizeof prefix, "%d:", (int)pid);

	return strncmp(name, prefix, n) == 0 && isdigit((unsigned char)name[n]);
}

int job_sweep(pid_t pid)
{
	struct dirent *e;
	struct stat st;
	int count = 0;
	DIR *d;

	if (pid <= 0)
		return -EINVAL;
	if (process_lives(pid))
		return 0;
	d = opendir(SHM_DIR);
	if (!d)
		return -errno;
	while ((e = readdir(d)))
		if (is_name_of(e->d_name, pid) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
		    unlinkat(dirfd(d), e->d_name, 0) == 0)
			count++;
	closedir(d);
	return count;
}

int job_sweep_all(const char *dir)
{
	int dir_fd = jobdir_open(dir), fd, n, count = 0;
	char line[32];
	FILE *f;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, BOOT_PIDS, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	close(dir_fd);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	for (size_t bytes = 0; bytes < PIDS_MAX_BYTES && fgets(line, sizeof line, f);
	     bytes += strlen(line)) {
		n = job_sweep(atoi(line));
		if (n > 0)
			count += n;
	}
	fclose(f);
	return count;
}
