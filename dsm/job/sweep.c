/* SPDX-License-Identifier: BSD-2-Clause */
/* Removes what the killed nodes of a job have left. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/job/bootmsg.h"
#include "dsm/job/jobdir.h"
#include "dsm/job/sweep.h"
#include "transport/ofi.h"

#define PIDS_MAX_BYTES (1 << 20)
#define LEFT_S 10 /* as long as that a job that is made may have no socket yet */

int job_sweep(pid_t pid)
{
	return tr_ofi_sweep(pid);
}

int job_sweep_machine(void)
{
	return tr_ofi_sweep_all(LEFT_S);
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
