/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl clean: removes what jobs left behind whose starter was killed. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "dsm/job/job.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"

static const struct ctl_option options[] = {
	CTL_OPTION_HELP,
	{ 0 },
};

static int clean_one(const struct job_entry *job)
{
	int files = job_sweep_all(job->dir), err = jobdir_remove(job->dir);

	if (err) {
		ctl_error("cannot remove %s: %s", job->dir, strerror(-err));
		return CTL_FAILED;
	}
	jobroot_leave(job->dir);
	printf("removed job %s", job_name(job->dir));
	if (files > 0)
		printf(" and %d file%s in /dev/shm", files, files == 1 ? "" : "s");
	putchar('\n');
	return 0;
}

/* Those of jobs that have no directory any more, or whose processes are other programs now. */
static void clean_machine(void)
{
	int files = job_sweep_machine();

	if (files > 0)
		printf("removed %d thing%s in /dev/shm and /tmp that nobody uses any more\n", files,
		       files == 1 ? "" : "s");
}

static int clean_run(const struct ctl_command *command, int argc, char **argv)
{
	struct job_list jobs;
	int c, status = CTL_OK;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		if (c == 'h') {
			ctl_help(command);
			return CTL_OK;
		}
		return CTL_USAGE;
	}
	status = jobs_of_args(command, argc, argv, &jobs);
	if (status)
		return status;
	for (size_t i = 0; i < jobs.count; i++) {
		if (jobs.jobs[i].state == JOB_DEAD)
			status |= clean_one(&jobs.jobs[i]);
		else if (argv[optind]) {
			ctl_error("job %s is not dead", job_name(jobs.jobs[i].dir));
			status = CTL_FAILED;
		}
	}
	jobs_free(&jobs);
	if (!argv[optind])
		clean_machine();
	return status;
}

const struct ctl_command ctl_clean = {
	.name = "clean",
	.args = "[JOB]",
	.help = "Removes what dead jobs of yours have left",
	.options = options,
	.run = clean_run,
};
