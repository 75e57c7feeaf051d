/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsmctl doctor is a program of its own, dsm-doctor: it tries libfabric, which takes signals as
 * soon as it is loaded, and so has no place in a process that runs jobs.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"

#define PROGRAM "dsm-doctor"

#define INSTALLED PKGLIBEXECDIR "/" PROGRAM

/* Beside dsmctl, before installation; then where it is installed. Returns only when neither can
 * be started, and says so of the one that is there. */
static int doctor_run(const struct ctl_command *command, int argc, char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "/" PROGRAM);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash, "/" PROGRAM);
		execv(path, argv);
		if (errno != ENOENT) {
			ctl_error("%s: %s", path, strerror(errno));
			return CTL_FAILED;
		}
	}
	execv(INSTALLED, argv);
	if (errno == ENOENT && slash)
		ctl_error("there is neither %s nor %s", path, INSTALLED);
	else
		ctl_error("%s: %s", INSTALLED, strerror(errno));
	return CTL_FAILED;
}

const struct ctl_command ctl_doctor = {
	.name = "doctor",
	.args = "",
	.help = "Tells what this machine can do for a job, and what to change",
	.run = doctor_run,
};
