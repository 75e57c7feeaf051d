/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl kill: kills a node of a job, for drills: to see what becomes of the others. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/job/job.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/query.h"

static const struct ctl_option options[] = { CTL_OPTION_HELP, { 0 } };

/* By a descriptor, which means this process and no later one of its number: it is asked again once that
 * is open. */
static pid_t pid_of(const char *dir, int rank)
{
	struct answers answers;
	pid_t pid = 0;

	if (query_job(dir, "status", &answers))
		return -1;
	for (int i = 0; i < answers.count; i++)
		if (answers.list[i].rank == rank && answers.list[i].json)
			pid = answers.list[i].pid;
	query_free(&answers);
	return pid;
}

static int kill_rank(const char *dir, int rank)
{
	const pid_t pid = pid_of(dir, rank);
	int fd, rc;

	if (pid < 0)
		return CTL_FAILED;
	fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (fd < 0 || pid_of(dir, rank) != pid) {
		ctl_error("rank %d of job %s does not answer, or is not of this machine", rank, job_name(dir));
		if (fd >= 0)
			close(fd);
		return CTL_FAILED;
	}
	rc = (int)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	if (rc)
		ctl_error("cannot kill process %d: %s", (int)pid, strerror(errno));
	else
		printf("rank %d of job %s, process %d, is killed\n", rank, job_name(dir), (int)pid);
	close(fd);
	return rc ? CTL_FAILED : CTL_OK;
}

static int kill_run(const struct ctl_command *command, int argc, char **argv)
{
	struct job_list jobs;
	int letter, status;
	char *end;
	long rank;

	while ((letter = ctl_getopt(command, argc, argv)) != -1) {
		if (letter == '?')
			return CTL_USAGE;
		ctl_help(command);
		return CTL_OK;
	}
	if (argc - optind != 2)
		return ctl_usage(command, "a job and a rank");
	rank = strtol(argv[optind + 1], &end, 10);
	if (*end || end == argv[optind + 1] || rank < 0 || rank >= QUERY_NODES_MAX)
		return ctl_usage(command, "'%s' is no rank", argv[optind + 1]);
	status = jobs_find(argv[optind], &jobs);
	if (status)
		return status;
	if (jobs.count == 1 && jobs.jobs[0].state == JOB_RUNNING) {
		status = kill_rank(jobs.jobs[0].dir, (int)rank);
	} else {
		ctl_error("the job is not running");
		status = CTL_FAILED;
	}
	jobs_free(&jobs);
	return status;
}

const struct ctl_command ctl_kill = {
	.name = "kill",
	.args = "JOB RANK",
	.help = "Kills a node of a job, for drills",
	.options = options,
	.run = kill_run,
};
