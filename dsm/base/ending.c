/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/base/ending.h"

#define EXITING 4 /* PF_EXITING of proc_pid_stat(5), flags */

int process_is_ending(pid_t pid)
{
	unsigned flags = 0;
	char path[32], text[256];
	const char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	n = read(fd, text, sizeof text - 1);
	if (n < 0)
		n = errno == ESRCH ? -1 : 0;
	close(fd);
	if (n < 0)
		return 1;
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	return end && sscanf(end, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & EXITING);
}
