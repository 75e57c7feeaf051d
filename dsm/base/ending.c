/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/base/ending.h"

#define EXITING 4 /* PF_EXITING of proc_pid_stat(5), flags */

/* What proc_pid_stat(5) says of it, from its state on: 1, 0 it has ended, or -1 unknown. */
static int read_stat(pid_t pid, char text[], size_t bytes)
{
	const char *end;
	char path[32];
	ssize_t n;
	int fd, err;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	n = read(fd, text, bytes - 1);
	err = errno;
	close(fd);
	if (n < 0)
		return err == ESRCH ? 0 : -1;
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	if (!end)
		return -1;
	memmove(text, end + 1, strlen(end + 1) + 1);
	return 1;
}

static int has_begun(const char *stat)
{
	unsigned flags;

	return sscanf(stat, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & EXITING);
}

int process_is_ending(pid_t pid)
{
	char stat[1024];
	int rc = read_stat(pid, stat, sizeof stat);

	return rc == 0 || (rc > 0 && has_begun(stat));
}

int process_is_dying(pid_t pid)
{
	char stat[1024];
	const char *code; /* the last member: as wait(2) will have it, or 0 for those who may not know */

	if (read_stat(pid, stat, sizeof stat) <= 0 || !has_begun(stat))
		return 0;
	code = strrchr(stat, ' ');
	return code && WIFSIGNALED(atoi(code));
}
